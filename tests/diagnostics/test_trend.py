"""The straight line against SciPy's, and its false alarms against their rate."""

import numpy as np
import pytest
from scipy.stats import linregress

from taut.diagnostics.trend import length_until_flat, line, no_rise, since_rise


def test_slope_and_error_are_those_of_linear_regression():
    values = np.random.default_rng(0).normal(size=12) + 0.3 * np.arange(12)
    seen, expected = line(values), linregress(np.arange(12), values)
    np.testing.assert_allclose((seen.slope, seen.standard_error), (expected.slope, expected.stderr), rtol=1e-12)
    assert seen.freedom == 10


def test_a_rise_beyond_the_noise_is_seen_and_a_fall_is_none():
    values = 0.1 * np.random.default_rng(1).normal(size=10)
    assert line(values + np.arange(10)).rises()
    assert not line(values - np.arange(10)).rises()


def test_a_flat_series_rises_as_often_as_the_level_says():
    # 4,000 series at a level of 0.95: 200 expected, 5 standard deviations are 69.
    series = np.random.default_rng(2).normal(size=(4000, 10))
    assert abs(sum(line(one).rises(0.95) for one in series) - 200) < 69


def test_two_values_have_a_line_without_scatter():
    assert line(np.array([1.0, 3.0]))[:2] == (2.0, 0.0)


WINDOW = 20
CURVES = {
    "logarithm": lambda t: -20 + 0.3 * np.log(t),
    "a larger logarithm": lambda t: -100 + 4 * np.log(t),
    "square root": lambda t: -20 - 8 * t**-0.5,
    "fourth root": lambda t: -100 - 60 * t**-0.25,
    "hyperbola": lambda t: -20 - 8 / t,
}


def end_of(curve):
    """The first length at which the last `WINDOW` values rose by nothing that counts."""
    values = curve(np.arange(1.0, 3000))
    return next(n for n in range(WINDOW + 1, 3000) if since_rise(values[:n]) >= WINDOW)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n", [25, 50, 100])
def test_the_end_of_a_curve_is_foretold_from_its_beginning(name, n):
    curve = CURVES[name]
    least, most = length_until_flat(curve(np.arange(1.0, n + 1)), WINDOW)
    assert 0.6 * least <= max(end_of(curve), n) <= 1.4 * most


def test_an_exponential_ends_before_the_larger_length_and_after_what_there_is():
    values = -20 - 5 * np.exp(-np.arange(1.0, 101) / 30)
    least, most = length_until_flat(values, WINDOW)
    assert 100 <= least <= most
    assert end_of(lambda t: -20 - 5 * np.exp(-t / 30)) < most


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-40, -20, 50),
        -40 + np.linspace(0, 4, 50) ** 2,
        -20 - np.arange(50.0),
        np.full(50, -20.0),
        -8 / np.arange(1.0, 6),
        -1000 + 300 * np.log(np.arange(1.0, 51)),
    ],
    ids=["straight", "upwards", "falling", "flat", "short", "far"],
)
def test_no_end_is_foretold_where_none_is_in_sight(values):
    assert length_until_flat(values, WINDOW) is None


def test_the_words_say_whether_there_was_a_rise_at_all():
    assert no_rise([-100.0, -90.0, -89.99]) == "has risen by less than 0.1 % in the last 1 looks"
    assert no_rise([-100.0, -90.0, -90.0]) == "has not risen in the last 1 looks"
