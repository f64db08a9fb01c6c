"""The mixture of Gaussians against SciPy, closed moments and all of its noise."""

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from taut.core.capabilities import Capability
from taut.families.mixture import GaussianMixture

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(3)
MEANS, ROOTS = 3 * rng.normal(size=(3, 2)), rng.normal(size=(3, 2, 2))
WEIGHTS = np.array([0.5, 0.3, 0.2])
Q = GaussianMixture.of(MEANS, ROOTS, np.log(WEIGHTS) + 7)
PARTS = [multivariate_normal(m, L @ L.T) for m, L in zip(MEANS, ROOTS, strict=True)]


def test_density():
    z = 4 * rng.normal(size=(20, 2))
    exact = logsumexp([p.logpdf(z) for p in PARTS], b=WEIGHTS[:, None], axis=0)
    np.testing.assert_allclose(jax.jit(jax.vmap(Q.log_prob))(z), exact, rtol=1e-10)


def test_moments():
    second = sum(w * (p.cov + np.outer(p.mean, p.mean)) for w, p in zip(WEIGHTS, PARTS, strict=True))
    mean = WEIGHTS @ MEANS
    np.testing.assert_allclose(Q.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(Q.covariance, second - np.outer(mean, mean), rtol=1e-10)
    np.testing.assert_allclose(Q.variance, np.diag(second) - mean**2, rtol=1e-10)


def test_uniform_numbers_pick_components_by_weight():
    uniform = np.append((np.arange(1000) + 0.5) / 1000, [0.0, np.nextafter(1, 0)])
    z = jax.jit(jax.vmap(lambda u: Q.sample((u, np.zeros(2)))))(uniform)
    which = np.argmin(np.linalg.norm(z[:, None] - MEANS, axis=2), axis=1)
    np.testing.assert_array_equal(np.bincount(which[:1000]), 1000 * WEIGHTS)
    assert which[-2:].tolist() == [0, 2]
    normal = np.array([0.3, -1.2])
    away = Q.sample((np.array(0.9), normal)) - MEANS[2]
    np.testing.assert_allclose(away, Q.factors[2] @ normal, rtol=1e-12)


def test_optima_are_weighted_by_their_elbos():
    q = GaussianMixture.around_optima([_Optimum(m, L) for m, L in zip(MEANS, ROOTS, strict=True)], np.log(WEIGHTS) - 99)
    np.testing.assert_allclose(q.weights, WEIGHTS, rtol=1e-12)
    np.testing.assert_allclose(q.factors @ q.factors.swapaxes(1, 2), ROOTS @ ROOTS.swapaxes(1, 2), rtol=1e-10)


def test_its_draws_are_no_smooth_function_of_its_weights():
    assert Capability.REPARAMETRISED not in Q.offers


class _Optimum:
    def __init__(self, mean, factor):
        self.mean, self.factor = mean, factor
