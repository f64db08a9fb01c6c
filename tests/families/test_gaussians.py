"""What the two Gaussian families promise beyond the contract, against SciPy."""

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taut.errors import ArgumentError
from taut.families import FullRank, LowRank, MeanField

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(15)
D = 5
MEAN, ROOT = rng.normal(size=D), np.tril(rng.normal(size=(D, D)), -1) + np.diag(rng.uniform(0.5, 2.0, D))
COVARIANCE = ROOT @ ROOT.T
Z, X = rng.normal(size=(20, D)), rng.normal(size=(7, D))
FULL = FullRank(MEAN, np.log(np.diag(ROOT)), ROOT)
DIAGONAL = MeanField(MEAN, np.log(np.diag(ROOT)))
SCALES, FACTOR = rng.uniform(0.2, 3.0, D), rng.normal(size=(D, 2)) * [0.1, 4.0]
FACTORED = LowRank(MEAN, np.log(SCALES), FACTOR)
CASES = [
    (FULL, COVARIANCE),
    (DIAGONAL, np.diag(np.diag(ROOT) ** 2)),
    (FACTORED, SCALES[:, None] * (np.eye(D) + FACTOR @ FACTOR.T) * SCALES),
]


@pytest.mark.parametrize(("q", "covariance"), CASES, ids=["full-rank", "mean-field", "low-rank"])
def test_density_entropy_and_moments(q, covariance):
    exact = multivariate_normal(MEAN, covariance)
    np.testing.assert_allclose(jax.jit(lambda q: jax.vmap(q.log_prob)(Z))(q), exact.logpdf(Z), rtol=1e-10)
    np.testing.assert_allclose(q.entropy(), exact.entropy(), rtol=1e-12)
    np.testing.assert_allclose(q.covariance, covariance, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(q.variance, np.diag(covariance), rtol=1e-12)
    m, v = q.predictor_moments(X)
    np.testing.assert_allclose(m, X @ MEAN, rtol=1e-12)
    np.testing.assert_allclose(v, np.diag(X @ covariance @ X.T), rtol=1e-12)


def test_only_what_lies_below_the_diagonal_counts():
    wild = FullRank(MEAN, np.log(np.diag(ROOT)), np.tril(ROOT, -1) + np.triu(rng.normal(size=(D, D))) * 1e3)
    np.testing.assert_allclose(wild.covariance, COVARIANCE, rtol=1e-12)
    slope = jax.jit(jax.grad(lambda q: q.log_prob(Z[0])))(wild)
    np.testing.assert_array_equal(np.triu(slope.lower), 0)


def test_a_precision_gives_the_lower_triangular_factor_of_its_inverse():
    precision = np.linalg.inv(COVARIANCE)
    q = eqx.filter_jit(FULL.with_precision)(MEAN, precision)
    np.testing.assert_allclose(q.factor, ROOT, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(q.covariance, COVARIANCE, rtol=1e-8)


def test_the_diagonal_of_a_precision_is_the_best_mean_field():
    # KL(q||p) to a Gaussian with precision P is least where sigma_j^2 = 1 / P_jj, not at the marginal variances.
    precision = np.linalg.inv(COVARIANCE)
    q = DIAGONAL.with_precision(MEAN, precision)

    def kl(log_sd):
        return -np.sum(log_sd) + 0.5 * np.sum(np.diag(precision) * np.exp(2 * log_sd))

    best = kl(np.asarray(q.log_sd))
    assert all(kl(np.asarray(q.log_sd) + 1e-3 * rng.normal(size=D)) > best for _ in range(20))


@pytest.mark.parametrize("factor", [FACTOR, np.ones((D, 3)), np.zeros((D, 2))], ids=["any", "equal", "none"])
def test_what_multiplies_the_noise_is_a_root_of_the_covariance(factor):
    # Columns that are equal or zero are no exception, nor are their derivatives.
    q = LowRank(MEAN, np.log(SCALES), factor)
    root = jax.jit(jax.vmap(lambda e: q.sample(e) - MEAN))(np.eye(D)).T
    np.testing.assert_allclose(root @ root.T, q.covariance, rtol=1e-12)
    np.testing.assert_allclose(
        2 * np.sum(np.log(SCALES)) + np.linalg.slogdet(np.eye(D) + factor @ factor.T)[1],
        np.linalg.slogdet(root @ root.T)[1],
        rtol=1e-12,
    )
    slope = jax.jit(jax.grad(lambda q: q.log_prob(Z[0])))(q)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))


@pytest.mark.parametrize("rank", [0, 6, 2.0])
def test_a_rank_that_there_is_not_is_refused(rank):
    with pytest.raises(ArgumentError, match="from 1 to 5"):
        LowRank.around(MEAN, rank=rank)


@pytest.mark.parametrize("family", [MeanField, FullRank, LowRank])
@pytest.mark.parametrize("sd", [1e-8, 1e8])
def test_extreme_widths_stay_finite(family, sd):
    q = family.around(np.zeros(3), sd)
    value, slope = jax.jit(jax.value_and_grad(lambda q: q.log_prob(q.sample(np.ones(3)))))(q)
    # A low-rank start is not quite uncorrelated.
    close = 1e-3 if family is LowRank else 1e-10
    np.testing.assert_allclose(value, 3 * (-0.5 - np.log(sd) - 0.5 * np.log(2 * np.pi)), rtol=close)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))
