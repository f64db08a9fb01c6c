"""The straight line against SciPy's, and its false alarms against their rate."""

import numpy as np
from scipy.stats import linregress

from taut.diagnostics.trend import line


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
