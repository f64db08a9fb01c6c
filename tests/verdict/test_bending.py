"""Steps of a bend: their gradients are exact, a member of the family is left alone, a banana costs little."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import gamma

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.families.bent import KNOTS
from taut.families.sinh_arcsinh import Bend
from taut.models import LogDensity, real
from taut.models.density import Density
from taut.verdict.bending import _flat, _rows, _unflat, learn
from taut.verdict.quadrature import by_quadrature
from taut.verdict.warped import WarpedDensity

NO_ROWS = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))


def density(log_p, dim):
    return Density(LogDensity(lambda v: log_p(v["x"]), parameters={"x": real(dim)}), NO_ROWS, np.dtype("float64"))


def some_bend(dim):
    rng, identity = np.random.default_rng(0), Bend.identity(dim)
    return Bend(*(a + 0.3 * rng.uniform(-1, 1, a.shape) for a in vars(identity).values()))


def test_parameters_come_back_as_they_were():
    bend = some_bend(4)
    again = _unflat(np.asarray(_flat(bend)))
    z = np.random.default_rng(1).normal(size=4)
    np.testing.assert_allclose(again(z)[0], bend(z)[0], rtol=1e-6)


def test_both_gradients_are_those_of_the_densities():
    """Of log q at a fixed y', and along the draw: both by differentiating through the inverse map."""
    with jax.enable_x64(True):
        bend, z = some_bend(3), np.random.default_rng(2).normal(size=(5, 3))
        scores = -np.asarray(jax.vmap(lambda z: bend(z)[0])(z)) + 0.5
        path, own = jax.jit(_rows)(bend, z, scores)

        def log_q(bend, warped):
            z = bend.inverse(warped)
            return -0.5 * jnp.sum(z**2) - bend(z)[1]

        def one(z, score):
            warped = bend(z)[0]
            residual = score - jax.grad(log_q, 1)(bend, warped)
            moved = jax.grad(lambda b: residual @ b(z)[0])(bend)
            return _flat(moved), _flat(jax.grad(log_q)(bend, warped))

        for found, exact in zip((path, own), jax.jit(jax.vmap(one))(z, scores), strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-9)


def seen(p, dim):
    return WarpedDensity(p, np.zeros(dim), np.eye(dim), np.arange(dim), Bend.identity(dim))


def test_a_gaussian_promises_nothing_from_the_first_step():
    p = density(lambda x: -0.5 * jnp.sum(x**2), 3)
    learned = learn(seen(p, 3), np.random.default_rng(3))
    assert abs(learned.promised) < 1e-12
    assert abs(learned.left) < 1e-12
    np.testing.assert_allclose(_flat(learned.bend), 0, atol=1e-8)


def test_a_banana_is_learned_from_few_gradients():
    # x_0 ~ N(0, 1), x_1 ~ N(x_0^2 - 1, 1/2), which is a member: the promise of the steps must vanish.
    p = density(lambda x: -0.5 * (x[0] ** 2 + 4 * (x[1] + 1 - x[0] ** 2) ** 2) - jnp.log(np.pi), 2)
    learned = learn(seen(p, 2), np.random.default_rng(4))
    assert learned.promised > 0.2
    assert learned.left < 0.01
    assert p.evaluations < 4000
    z = np.random.default_rng(5).normal(size=(2000, 2))
    weights = seen(p, 2).through(learned.bend).values(z) + 0.5 * np.sum(z**2, 1) + np.log(2 * np.pi)
    assert weights.mean() == pytest.approx(0, abs=0.05)


def test_quadrature_gives_the_quantiles_of_one_unknown():
    """The logarithm of a Gamma(1) variable: its quantiles are those of scipy, at every knot."""
    p = density(lambda x: x[0] - jnp.exp(x[0]), 1)
    q = Gaussian(np.array([-0.5]), np.array([[1.1]]))
    family = by_quadrature(p, q)
    assert family is not None
    exact = np.log(np.where(KNOTS < 0, gamma(1).ppf(ndtr(KNOTS)), gamma(1).isf(ndtr(-KNOTS))))
    np.testing.assert_allclose(q.mean + 1.1 * family.values[0], exact, rtol=1e-3, atol=1e-3)


def test_quadrature_needs_mass_around_q():
    assert (
        by_quadrature(density(lambda x: jnp.where(x[0] > 0, -jnp.inf, -jnp.inf), 1), Gaussian(np.zeros(1), np.eye(1)))
        is None
    )
