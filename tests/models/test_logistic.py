"""Logistic regression: likelihood, expectation and posterior predictive against NumPy and quadrature."""

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy.special import expit

from taut.families import FullRank, MeanField
from taut.models import LogisticRegression

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(3)
X, Y = np.column_stack([np.ones(7), rng.normal(size=(7, 2))]), rng.integers(0, 2, 7).astype(float)
MODEL = LogisticRegression()
FACTOR = np.array([[0.5, 0.0, 0.0], [0.3, 1.2, 0.0], [-0.9, 0.4, 2.0]])
FULL = FullRank(np.array([0.5, -1.0, 2.0]), np.log(np.diag(FACTOR)), FACTOR)
MEAN_FIELD = MeanField(FULL.mean, np.log(np.diag(FACTOR)))
NODES = np.arange(-10, 10 + 1e-9, 0.02)
DENSITY = 0.02 * np.exp(-0.5 * NODES**2) / np.sqrt(2 * np.pi)


def logits(q):
    """Values of each row's logit over the nodes, `[R, nodes]`."""
    sd = np.sqrt(np.einsum("ri,ij,rj->r", X, np.asarray(q.covariance), X))
    return (X @ q.mean)[:, None] + sd[:, None] * NODES


def test_the_log_likelihood_is_of_the_bernoulli():
    z = np.array([0.3, -40.0, 30.0])
    p = eqx.filter_jit(MODEL.log_likelihood)(z, (X, Y))
    exact = [-np.logaddexp(0, -eta if y else eta) for eta, y in zip(X @ z, Y, strict=True)]
    np.testing.assert_allclose(p, exact, rtol=1e-12, atol=1e-12)


def test_certain_predictions_stay_finite():
    z = np.array([1e6, 0.0, 0.0])
    value, slope = jax.jit(jax.value_and_grad(lambda z: MODEL.log_likelihood(z, (X, Y)).sum()))(z)
    np.testing.assert_allclose(value, -1e6 * np.sum(Y == 0))
    np.testing.assert_allclose(slope[0], -np.sum(Y == 0))


@pytest.mark.parametrize("q", [MEAN_FIELD, FULL], ids=["mean-field", "full-rank"])
def test_the_expected_log_likelihood_is_the_integral(q):
    found = jax.jit(lambda q: MODEL.expected_log_likelihood(q, (X, Y)))(q)
    eta = logits(q)
    np.testing.assert_allclose(found, (Y[:, None] * eta - np.logaddexp(0, eta)) @ DENSITY, atol=1e-8)


@pytest.mark.parametrize("q", [MEAN_FIELD, FULL], ids=["mean-field", "full-rank"])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_posterior_predictive_is_integrated_over_the_posterior(q, level):
    found = jax.jit(lambda q: MODEL.predict(q, X, level))(q)
    eta = logits(q)
    p = expit(eta)
    mean = p @ DENSITY
    np.testing.assert_allclose(found.probability, mean, atol=1e-8)
    np.testing.assert_allclose(found.sd, np.sqrt(p**2 @ DENSITY - mean**2), atol=1e-7)
    # Equal-tailed: as much below the lower end as above the upper, which the distribution function of the logit says.
    below = [np.interp(end, row, np.cumsum(DENSITY)) for end, row in zip(np.asarray(found.lower), p, strict=True)]
    above = [1 - np.interp(end, row, np.cumsum(DENSITY)) for end, row in zip(np.asarray(found.upper), p, strict=True)]
    np.testing.assert_allclose(below, 0.5 - 0.5 * level, atol=5e-3)
    np.testing.assert_allclose(above, 0.5 - 0.5 * level, atol=5e-3)


def test_a_sure_posterior_has_no_spread():
    q = MeanField(FULL.mean, np.full(3, -30.0))
    found = jax.jit(lambda q: MODEL.predict(q, X))(q)
    np.testing.assert_allclose(found.probability, expit(X @ q.mean), rtol=1e-12)
    np.testing.assert_allclose(found.sd, 0, atol=1e-7)
    assert np.all(np.isfinite(found.sd))
