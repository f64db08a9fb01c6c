"""The bent Gaussian against autodiff's Jacobian, quadrature, and the Gaussian that it starts as."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taut.core.trees import is_float_array
from taut.families import FullRank, SinhArcsinh

pytestmark = pytest.mark.usefixtures("x64")


def somewhere(dim, by=0.3):
    """A member with every parameter away from the start, its order no identity."""
    rng = np.random.default_rng(dim)
    q = SinhArcsinh.around(
        rng.normal(size=dim), factor=np.eye(dim) + 0.3 * rng.normal(size=(dim, dim)), order=np.arange(dim)[::-1]
    )
    learned, fixed = eqx.partition(q, is_float_array)
    return eqx.combine(jax.tree.map(lambda a: a + by * rng.uniform(-1, 1, a.shape), learned), fixed)


def test_it_starts_as_the_gaussian():
    rng = np.random.default_rng(1)
    mean, factor, x = rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=(10, 4))
    exact = multivariate_normal(mean, factor @ factor.T)
    q = SinhArcsinh.around(mean, factor=factor, order=[2, 0, 3, 1])
    np.testing.assert_allclose(jax.jit(jax.vmap(q.log_prob))(x), exact.logpdf(x), rtol=1e-9)
    np.testing.assert_allclose(FullRank.of(mean, factor).covariance, factor @ factor.T, rtol=1e-9)


@pytest.mark.parametrize("dim", [1, 11])
def test_density_both_ways_and_by_autodiff(dim):
    q = somewhere(dim)
    noise = np.random.default_rng(2).normal(size=(6, dim))

    @jax.jit
    @jax.vmap
    def everything(noise):
        x, there = q.sample_and_log_prob(noise)
        log_det = jnp.linalg.slogdet(jax.jacobian(q.sample)(noise))[1]
        way_back = jax.grad(lambda noise: q.log_prob(q.sample(noise)))(noise)
        return there, q.log_prob(x), log_det, jax.grad(lambda noise: q.sample_and_log_prob(noise)[1])(noise), way_back

    there, back, log_det, slope, slope_back = everything(noise)
    np.testing.assert_allclose(back, there, rtol=1e-9)
    np.testing.assert_allclose(np.sum(-0.5 * noise**2 - 0.5 * np.log(2 * np.pi), 1) - log_det, there, rtol=1e-9)
    np.testing.assert_allclose(slope_back, slope, rtol=1e-6, atol=1e-8)


def test_it_integrates_to_one_in_one_dimension():
    x = np.linspace(-60, 60, 20_001)
    mass = np.exp(jax.jit(jax.vmap(somewhere(1).log_prob))(x[:, None])).sum() * (x[1] - x[0])
    assert mass == pytest.approx(1, abs=1e-8)


def test_it_integrates_to_one_in_two_dimensions():
    x = np.linspace(-30, 30, 801)
    grid = np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)
    mass = np.exp(jax.jit(jax.vmap(somewhere(2, by=0.2).log_prob))(grid)).sum() * (x[1] - x[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-6)


def test_no_later_coordinate_moves_an_earlier_one():
    q = somewhere(11)
    J = jax.jit(jax.jacobian(lambda z: q.bend(z)[0]))(np.linspace(-1, 1, 11))
    np.testing.assert_array_equal(np.triu(J, 1), 0)
    np.testing.assert_array_equal(np.tril(J[8:, 8:], -1), 0)  # only the first eight are conditioned on
