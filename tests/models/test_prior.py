"""Priors: densities against SciPy, expectations against quadrature, and refusals."""

import equinox as eqx
import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

import taut
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families import FullRank
from taut.models import BernoulliPrior, Independent, LatentVariableModel, LearnedNormal, LogisticRegression, Normal
from taut.networks import MLP

pytestmark = pytest.mark.usefixtures("x64")
Z = np.array([0.3, -1.7])
PRIORS = [(0.0, 1.0), (0.5, 3.0), (0.5, (0.4, 3.0)), ((-1.0, 2.0), 0.7), ((-1.0, 2.0), (0.4, 3.0))]


@pytest.mark.parametrize(("loc", "scale"), PRIORS)
def test_a_normal_prior_counts_every_coordinate_and_every_constant(loc, scale):
    found = jax.jit(lambda p, z: p.log_prob(z))(Normal(loc, scale), Z)
    np.testing.assert_allclose(found, stats.norm.logpdf(Z, loc, scale).sum(), rtol=1e-13)


@pytest.mark.parametrize(("loc", "scale"), PRIORS)
def test_its_expectation_is_the_integral(loc, scale):
    q = FullRank(np.array([0.2, 1.0]), np.array([-0.3, 0.4]), np.array([[0.0, 0.0], [0.8, 0.0]]))
    # A quadratic is integrated exactly by three Gauss-Hermite nodes an axis.
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    e = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    z = q.mean + e @ np.asarray(q.factor).T
    values = stats.norm.logpdf(z, loc, scale).sum(1)
    expected = np.outer(weights, weights).ravel() / weights.sum() ** 2 @ values
    found = jax.jit(lambda p, q: p.expected_log_prob(q))(Normal(loc, scale), q)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("loc", "scale"), PRIORS)
def test_its_precision_is_the_curvature(loc, scale):
    prior = Normal(loc, scale)
    curvature = jax.jit(jax.hessian(lambda z: prior.log_prob(z)))(Z)
    np.testing.assert_allclose(np.diag(np.asarray(prior.precision(2))), -curvature, rtol=1e-12)


def test_what_a_prior_offers():
    assert {Capability.CLOSED_PRIOR, Capability.GAUSSIAN_PRIOR} <= Normal().offers
    assert not Independent(dist.Laplace(0.0, 1.0)).offers


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (dist.Laplace(0.5, 2.0), stats.laplace(0.5, 2.0)),
        (dist.StudentT(4.0, 0.0, 2.5), stats.t(4, 0, 2.5)),
        (dist.Cauchy(np.zeros(2), np.array([1.0, 3.0])), stats.cauchy(0, [1.0, 3.0])),
    ],
)
def test_independent_priors(prior, reference):
    np.testing.assert_allclose(eqx.filter_jit(Independent(prior).log_prob)(Z), reference.logpdf(Z).sum(), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_that_of_the_unknown(dtype):
    q = FullRank(*(np.zeros(s, dtype) for s in (2, 2, (2, 2))))
    for loc, scale in PRIORS:
        prior = Normal(loc, scale)
        seen = jax.eval_shape(lambda z, q, p=prior: (p.log_prob(z), p.expected_log_prob(q)), Z.astype(dtype), q)
        assert {str(x.dtype) for x in seen} == {dtype}


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: Normal(0.0, 0.0), "scale=0"),
        (lambda: Normal(0.0, -1.0), "scale=-1"),
        (lambda: Normal(float("nan"), 1.0), "nan"),
        (lambda: Normal(0.0, float("inf")), "inf"),
        (lambda: Normal(0.0, (1.0, 0.0)), "positive"),
        (lambda: Normal("wide", 1.0), "wide"),
        (lambda: Independent(dist.Gamma(1.0, 1.0)), "real line"),
        (lambda: Independent(dist.Beta(1.0, 1.0)), "real line"),
        (lambda: Independent("Laplace"), "Laplace"),
        (lambda: LogisticRegression(prior=dist.Gamma(1.0, 1.0)), "real line"),
        (lambda: LogisticRegression(prior=dist.Dirichlet(np.ones(3))), "real line"),
        (lambda: LogisticRegression(prior=dist.Bernoulli(0.5)), "zeros and ones"),
        (lambda: LogisticRegression(prior=2.0), "Laplace"),
        (lambda: LogisticRegression(prior="normal"), "Laplace"),
        (lambda: LogisticRegression(prior=Normal), "call it"),
        (lambda: LogisticRegression(prior=stats.norm()), "Laplace"),
        (lambda: LatentVariableModel(MLP([2, 4]), latent=2, prior=dist.HalfNormal(1.0)), "real line"),
        (lambda: LatentVariableModel(MLP([2, 4]), latent=2, prior="normal"), "Laplace"),
    ],
)
def test_refusals(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (dist.Normal(0.0, 2.0), Normal),
        (dist.Normal(np.zeros(2), 0.5), Normal),
        (dist.Normal(0.0, 1.0).expand([2]).to_event(1), Normal),
        (dist.Laplace(0, 1), Independent),
        (dist.StudentT(4, np.zeros(2), 1), Independent),
        (dist.Gumbel(0, 1).expand([2]), Independent),
        (dist.MultivariateNormal(np.ones(2), np.array([[2.0, 0.5], [0.5, 1.0]])), Independent),
        (dist.MixtureSameFamily(dist.Categorical(np.ones(2) / 2), dist.Normal(np.zeros(2), np.ones(2))), Independent),
        (dist.TransformedDistribution(dist.Normal(0, 1), dist.transforms.AffineTransform(1.0, 2.0)), Independent),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_distribution_of_numpyro_is_a_prior_with_its_own_density(given, kind):
    for prior in (LogisticRegression(prior=given).prior, LatentVariableModel(MLP([2, 4]), latent=2, prior=given).prior):
        assert type(prior) is kind
        prior.check_size(2)
        np.testing.assert_allclose(eqx.filter_jit(prior.log_prob)(Z), np.sum(given.log_prob(Z)), rtol=1e-12)
        assert prior.draw(jax.random.key(0), (5, 2)).shape == (5, 2)


def test_a_bernoulli_of_numpyro_is_the_prior_of_binary_units():
    prior = LatentVariableModel(MLP([2, 4]), latent=2, prior=dist.Bernoulli(0.3)).prior
    assert isinstance(prior, BernoulliPrior)
    np.testing.assert_allclose(prior.log_prob(np.array([1.0, 0.0])), np.log(0.3) + np.log(0.7), rtol=1e-6)


@pytest.mark.parametrize(
    "prior",
    [
        Normal(np.zeros(3)),
        Normal(0.0, np.ones(3)),
        LearnedNormal.standard(3),
        Independent(dist.Laplace(np.zeros(3), 1.0)),
        Independent(dist.MultivariateNormal(np.zeros(3), np.eye(3))),
    ],
    ids=lambda prior: type(prior).__name__,
)
@pytest.mark.parametrize("dim", [1, 2, 4])
def test_a_prior_of_another_size_is_refused(prior, dim):
    prior.check_size(3)
    with pytest.raises(ArgumentError, match=f"the model's {dim} unknowns"):
        prior.check_size(dim)


@pytest.mark.parametrize(
    "prior",
    [
        Normal(1.0, 2.0),
        LearnedNormal(np.array([1.0, 1.0]), np.log([2.0, 2.0])),
        Independent(dist.Normal(1.0, 2.0)),
        Independent(dist.MultivariateNormal(np.ones(2), 4 * np.eye(2))),
    ],
)
def test_draws_of_a_prior_have_its_moments(prior):
    draws = np.asarray(prior.draw(jax.random.key(0), (4000, 2)))
    assert np.abs(draws.mean(axis=0) - 1).max() < 5 * 2 / np.sqrt(4000)
    assert np.abs(draws.std(axis=0) / 2 - 1).max() < 5 / np.sqrt(8000)


def test_a_laplace_prior_gives_the_posterior_of_its_density():
    """Against quadrature on one coefficient: a distribution of NumPyro simply works."""
    x = np.linspace(-2, 2, 101)
    y = (x + np.cos(40 * np.arange(101)) > 0) * 1
    model = LogisticRegression(prior=dist.Laplace(0, 0.5), intercept=False, standardise=False)
    w = np.linspace(-2, 12, 20001)
    log_p = stats.laplace(0, 0.5).logpdf(w) + np.sum(y * np.outer(w, x) - np.logaddexp(0, np.outer(w, x)), axis=1)
    p = np.exp(log_p - log_p.max())
    mean = np.sum(w * p) / p.sum()
    sd = np.sqrt(np.sum((w - mean) ** 2 * p) / p.sum())
    found = taut.fit(model, (x[:, None], y), progress=False).summary()
    assert abs(found["mean"][0] - mean) < 0.1 * sd
    assert abs(found["sd"][0] / sd - 1) < 0.1
