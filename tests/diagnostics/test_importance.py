"""Pareto-smoothed weights: against the reference implementation, its stored numbers, and closed cases."""

import warnings

import numpy as np
import pytest
from scipy.stats import norm

from taut.diagnostics.importance import generalised_pareto, pareto_smoothed

# At 200 normal quantiles z: name, log-weights, and what arviz.psislw (0.23) says: k-hat, effective sample size.
Z = norm.ppf((np.arange(200) + 0.5) / 200)
STORED = [
    ("narrow", 0.5 * Z, 0.15400138399896451, 154.7105876178027),
    ("wide", 2 * Z, 0.7067509867945617, 15.283161382114503),
    ("too narrow q", 0.5 * Z**2, 0.7469801968383065, 44.13287285887162),
    ("bounded", -(Z**2), -1.3525873951104674, 149.02808567646917),
]


@pytest.mark.parametrize(("name", "log_weights", "k_hat", "size"), STORED, ids=[case[0] for case in STORED])
def test_the_stored_numbers_of_the_reference(name, log_weights, k_hat, size):
    seen = pareto_smoothed(log_weights)
    assert seen.k_hat == pytest.approx(k_hat, abs=1e-10)
    assert seen.effective_sample_size == pytest.approx(size, rel=1e-10)


@pytest.mark.parametrize("n", [30, 100, 1000, 4000])
@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_the_reference_itself(n, scale):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        log_weights = scale * np.random.default_rng(n).standard_t(5, size=n)
        expected, k_hat = arviz.psislw(log_weights.copy())
    seen = pareto_smoothed(log_weights)
    assert seen.k_hat == pytest.approx(float(k_hat), abs=1e-12)
    np.testing.assert_allclose(seen.weights, np.exp(expected), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 4, 10, 25, 200, 4000])
@pytest.mark.parametrize("level", [0.0, -1e5, 700.0])
def test_equal_weights_are_perfect(n, level):
    """A tail of equal weights has no shape to fit, which tools call infinite or refuse."""
    seen = pareto_smoothed(np.full(n, level))
    np.testing.assert_allclose(seen.weights, 1 / n, rtol=1e-12)
    assert seen.effective_sample_size == pytest.approx(n)
    assert seen.log_mean == pytest.approx(level)
    assert seen.k_hat == (0.0 if n > 1 else np.inf)  # of a single draw nothing is known


def test_rounding_is_no_tail():
    noise = 1e-12 * np.random.default_rng(0).standard_normal(4000)
    assert pareto_smoothed(5000.0 + noise).k_hat == 0.0


@pytest.mark.parametrize("constant", [-1e4, -3.0, 1e4])
def test_a_constant_changes_nothing_but_the_evidence(constant):
    log_weights = np.random.default_rng(1).standard_normal(1000)
    a, b = pareto_smoothed(log_weights), pareto_smoothed(log_weights + constant)
    assert b.k_hat == pytest.approx(a.k_hat, abs=1e-8)
    np.testing.assert_allclose(b.weights, a.weights, rtol=1e-8)
    assert b.log_mean - a.log_mean == pytest.approx(constant)
    assert b.log_mean_error == pytest.approx(a.log_mean_error)


def test_the_mean_weight_and_its_error():
    log_weights = np.log(np.array([1.0, 2.0, 3.0, 6.0]))
    seen = pareto_smoothed(log_weights)
    assert seen.log_mean == pytest.approx(np.log(3.0))
    assert seen.log_mean_error == pytest.approx(np.std([1, 2, 3, 6], ddof=1) / 3 / 2)


def test_a_draw_outside_the_support_weighs_nothing():
    log_weights = np.random.default_rng(2).standard_normal(1000)
    log_weights[::10] = -np.inf
    seen = pareto_smoothed(log_weights)
    assert np.all(seen.weights[::10] == 0)
    assert seen.weights.sum() == pytest.approx(1)
    assert np.isfinite(seen.k_hat)


@pytest.mark.parametrize("bad", [-np.inf, np.nan, np.inf])
def test_without_any_finite_weight_nothing_is_known(bad):
    seen = pareto_smoothed(np.full(100, bad))
    assert (seen.k_hat, seen.effective_sample_size) == (np.inf, 1.0)


@pytest.mark.parametrize("k", [-0.5, 0.2, 0.8])
def test_the_shape_of_exact_quantiles(k):
    """Ten draws of prior at 0.5 among a thousand: the rest is the shape itself."""
    places = (np.arange(1000) + 0.5) / 1000
    exceeded = np.expm1(-k * np.log1p(-places)) / k
    assert generalised_pareto(exceeded)[0] == pytest.approx((1000 * k + 5) / 1010, abs=0.02)


def test_order_does_not_matter():
    log_weights = np.random.default_rng(3).standard_normal(500)
    turned = np.random.default_rng(4).permutation(500)
    seen, again = pareto_smoothed(log_weights), pareto_smoothed(log_weights[turned])
    np.testing.assert_allclose(again.weights, seen.weights[turned])
