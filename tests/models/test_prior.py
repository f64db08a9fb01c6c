"""Priors: densities against SciPy, expectations against quadrature, and refusals."""

import equinox as eqx
import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families import FullRank
from taut.models import Independent, Normal

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
    ],
)
def test_refusals(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()
