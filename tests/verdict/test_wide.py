"""Draws that are wider than q's: their log density is exact, they fit what they weigh, and they repair a narrow q."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_t

from taut.core.batch import Batch
from taut.diagnostics.importance import pareto_smoothed
from taut.families.full_rank import FullRank
from taut.families.sinh_arcsinh import SinhArcsinh
from taut.models import LogDensity, real
from taut.models.density import Density
from taut.verdict.reweighed import moment_errors
from taut.verdict.wide import StudentT, Widened

NO_ROWS = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
FACTOR = np.array([[1.0, 0.0], [0.5, 2.0]])


def density(log_p, dim):
    return Density(LogDensity(lambda v: log_p(v["x"]), parameters={"x": real(dim)}), NO_ROWS, np.dtype("float64"))


def test_the_log_density_is_scipys():
    mine = StudentT(np.array([1.0, -2.0]), FACTOR, 5.0)
    x = np.random.default_rng(0).normal(size=(20, 2))
    theirs = multivariate_t(mine.mean, FACTOR @ FACTOR.T, df=5)
    np.testing.assert_allclose(mine.log_prob(x), theirs.logpdf(x), rtol=1e-12)


def test_it_is_fitted_to_weighted_draws():
    true = StudentT(np.array([1.0, -2.0]), FACTOR, 3.0)
    x = true.draw(20_000, np.random.default_rng(1))
    found = StudentT(np.zeros(2), np.eye(2), 20.0).fitted(x, np.full(len(x), 1 / len(x)))
    assert found.freedom == 3.0
    # A location of the t-distribution is known to about 1.3 sds of 1 / sqrt(n), here 0.01 and 0.02.
    np.testing.assert_allclose(found.mean, true.mean, atol=0.08)
    np.testing.assert_allclose(found.factor @ found.factor.T, FACTOR @ FACTOR.T, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("bent", [False, True])
def test_what_a_narrow_q_misses_is_found(bent):
    """q = N(0, 0.6^2) for a standard normal: q's own weights have no variance, those of wider draws are even."""
    p = density(lambda x: -0.5 * jnp.sum(x**2), 3)
    family = SinhArcsinh.around(np.zeros(3), 0.6) if bent else FullRank.of(np.zeros(3), 0.6 * np.eye(3))
    widened = Widened(family, p, np.random.default_rng(2))
    wide = widened.draws(16_000)
    smoothed = pareto_smoothed(wide.log_prob - wide.log_own)
    assert smoothed.effective_sample_size > 0.6 * 16_000
    assert smoothed.k_hat < 0.5
    # The normaliser is exact, so that the log density of the draws is: within four standard errors.
    assert smoothed.log_mean == pytest.approx(1.5 * np.log(2 * np.pi), abs=4 * smoothed.log_mean_error)
    mean_error, sd_error = moment_errors(wide.z, smoothed.weights)
    assert np.all(np.abs(smoothed.weights @ wide.z) < 4 * mean_error)
    assert np.all(np.abs(np.sqrt(smoothed.weights @ wide.z**2) - 1) < 4 * sd_error + 1e-3)


def test_draws_can_be_added():
    widened = Widened(
        FullRank.of(np.zeros(1), np.eye(1)), density(lambda x: -0.5 * x[0] ** 2, 1), np.random.default_rng(3)
    )
    few = widened.draws(10)
    many = widened.more(few, 25)
    assert len(many.z) == 25
    np.testing.assert_array_equal(many.z[:10], few.z)
    assert many.log_own.shape == many.log_prob.shape == (25,)


def test_errors_of_moments_are_those_of_independent_draws():
    z = np.random.default_rng(4).normal(size=(10_000, 1))
    mean_error, sd_error = moment_errors(z, np.full(10_000, 1e-4))
    assert mean_error[0] == pytest.approx(0.01, rel=1e-3)
    assert sd_error[0] == pytest.approx(0.01 / np.sqrt(2), rel=0.05)  # of a normal: 1 / sqrt(2 n)
