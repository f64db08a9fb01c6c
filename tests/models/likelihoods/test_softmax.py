"""Joint expectations of the multinomial likelihood, against dense product rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from taut.models.likelihoods import Bernoulli, Multinomial
from taut.models.likelihoods.softmax import softmax_averages

pytestmark = pytest.mark.usefixtures("x64")
averages = jax.jit(softmax_averages)


def by_product(m, S, n=241):
    """By the trapezoid rule over -9 to 9 in the principal axes of S, with other and more nodes than the rule's own."""
    spread, axes = np.linalg.eigh(S)
    x = np.linspace(-9, 9, n)
    w = np.exp(-0.5 * x**2)
    grid = np.stack([a.ravel() for a in np.meshgrid(*[x] * len(m))], axis=1)
    weights = np.prod(np.meshgrid(*[w / w.sum()] * len(m)), axis=0).ravel()
    eta = m + grid * np.sqrt(np.maximum(spread, 0)) @ axes.T
    logits = np.concatenate([np.zeros((len(eta), 1)), eta], axis=1)
    p = softmax(logits, axis=1)[:, 1:]
    mean = weights @ p
    return weights @ logsumexp(logits, axis=1), mean, np.diag(mean) - (p * weights[:, None]).T @ p


def covariances(d, sds, seed=0):
    """Of the given largest sds, correlated."""
    rng = np.random.default_rng(seed)
    found = []
    for sd in sds:
        A = rng.normal(size=(d, d))
        S = A @ A.T
        found.append(S * sd**2 / np.max(np.diag(S)))
    return np.array(found), rng.normal(size=(len(sds), d)) * 2


def differ(found, exact):
    return max(np.abs(np.asarray(a) - b).max() for a, b in zip(found, exact, strict=True))


@pytest.mark.parametrize(
    ("d", "sds", "n", "error"),
    [
        (1, [1e-6, 0.5, 3.0, 10.0], 4001, 1e-9),
        (2, [1e-8, 0.3, 0.7], 121, 1e-9),
        (2, [0.3, 1.5, 4.0], 361, 1e-8),
        (2, [7.0], 801, 1e-5),
        (3, [1e-8, 0.3, 0.7], 61, 1e-8),
        (3, [2.0], 91, 1e-6),
    ],
)
def test_product_rules_err_as_stated(d, sds, n, error):
    S, m = covariances(d, sds)
    found = averages(m, S)
    for k in range(len(sds)):
        assert differ(jax.tree.map(lambda x: x[k], found), by_product(m[k], S[k], n)) < error  # noqa: B023


def test_many_logits_err_as_stated():
    # Five logits of which three are sure: two dimensions are left, and the other rule knows them.
    for sd, error in ((1.0, 3e-4), (3.0, 2e-3)):
        S, m = np.zeros((1, 5, 5)), np.array([[0.3, -1.0, 0.5, 1.0, -0.2]])
        S[0, :2, :2] = sd**2 * np.array([[1.0, 0.4], [0.4, 0.8]])
        found = averages(m, S)
        x = np.linspace(-8, 8, 161)
        w = np.exp(-0.5 * x**2)
        w = np.outer(w, w).ravel() / w.sum() ** 2
        first, second = (a.ravel() for a in np.meshgrid(x, x, indexing="ij"))
        L = np.linalg.cholesky(S[0, :2, :2])
        eta = np.tile(m[0], (len(w), 1))
        eta[:, :2] += np.stack([first, second], 1) @ L.T
        logits = np.concatenate([np.zeros((len(w), 1)), eta], axis=1)
        assert abs(found.normaliser[0] - w @ logsumexp(logits, axis=1)) < error
        assert np.abs(found.p[0] - w @ softmax(logits, axis=1)[:, 1:]).max() < error


def test_without_variance_it_is_the_log_probability():
    likelihood, m, y = Multinomial(4), np.random.default_rng(1).normal(size=(6, 3)), np.arange(6.0) % 4
    found = jax.jit(likelihood.joint_expectation)(m, np.zeros((6, 3, 3)), y)
    np.testing.assert_allclose(found.value, likelihood.log_prob(m, y), rtol=1e-10)
    slope = jax.vmap(jax.grad(likelihood.log_prob))(m, y)
    np.testing.assert_allclose(found.slope, slope, atol=1e-10)


def test_two_levels_are_the_bernoulli():
    m, v, y = np.array([-2.0, 0.3, 4.0]), np.array([0.5, 2.0, 30.0]), np.array([0.0, 1.0, 1.0])
    one = Bernoulli().expectation(m, v, y)
    other = jax.jit(Multinomial(2).joint_expectation)(m[:, None], v[:, None, None], y)
    np.testing.assert_allclose(other.value, one.value, atol=3e-8)
    np.testing.assert_allclose(other.slope[:, 0], one.slope, atol=1e-8)
    np.testing.assert_allclose(other.curvature[:, 0, 0], one.curvature, atol=1e-8)


def test_derivatives_of_the_value_are_slope_and_half_the_curvature():
    S, m = covariances(2, [0.5, 2.0, 1e-9], seed=3)
    y, likelihood = np.array([0.0, 1.0, 2.0]), Multinomial(3)

    @jax.jit
    def both(m, S):
        slopes = jax.grad(lambda m, S: jnp.sum(likelihood.joint_expectation(m, S, y).value), (0, 1))(m, S)
        return slopes, likelihood.joint_expectation(m, S, y)

    (dm, dS), at = both(m, S)
    np.testing.assert_allclose(dm, at.slope, atol=1e-12)
    np.testing.assert_allclose(dS, -0.5 * at.curvature, atol=1e-12)


def test_single_precision():
    S, m = covariances(2, [0.5, 0.9])
    found = averages(m.astype("float32"), S.astype("float32"))
    assert {x.dtype for x in found} == {np.dtype("float32")}
    assert differ(found, averages(m, S)) < 2e-5
