"""Rung B: the density seen from z is exact, a banana is straightened, a Gaussian left alone."""

import jax.numpy as jnp
import numpy as np
import pytest

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.families.sinh_arcsinh import SinhArcsinh
from taut.models import LogDensity, LogisticRegression, positive, real
from taut.models.density import Density
from taut.models.supports import simplex
from taut.models.unknowns import Parameters
from taut.verdict.orders import hubs_first, orders, scales_first
from taut.verdict.warp import warp
from taut.verdict.warped import WarpedDensity

NO_ROWS = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))


def density(log_p, dim):
    model = LogDensity(lambda v: log_p(v["x"]), parameters={"x": real(dim)})
    return Density(model, NO_ROWS, np.dtype("float64"))


def banana(x):
    """x_0 ~ N(0, 1), x_1 ~ N(x_0^2, 1/2), normalised."""
    bent = (x[1] - x[0] ** 2) / 0.5
    return -0.5 * (x[0] ** 2 + bent**2) - jnp.log(2 * jnp.pi * 0.5)


def test_seen_through_its_own_map_a_member_is_its_base():
    rng = np.random.default_rng(4)
    q = SinhArcsinh.around(rng.normal(size=3), factor=np.eye(3) + 0.3 * rng.normal(size=(3, 3)), order=[2, 0, 1])
    bend = type(q.bend)(*(a + 0.3 * rng.uniform(-1, 1, a.shape) for a in vars(q.bend).values()))
    q = SinhArcsinh(q.base, bend, q.frame, q.order)
    lower = np.tril(q.frame.lower, -1) + np.diag(np.exp(q.frame.log_diagonal))
    seen = WarpedDensity(density(q.log_prob, 3), q.frame.mean, lower, q.order, bend)
    z = rng.normal(size=(70, 3))  # more than a block
    found = seen(z)
    np.testing.assert_allclose(found.value, np.sum(-0.5 * z**2 - 0.5 * np.log(2 * np.pi), 1), rtol=1e-9)
    np.testing.assert_allclose(found.gradient, -z, rtol=1e-7, atol=1e-9)
    assert seen.evaluations == 70


@pytest.mark.slow
def test_a_banana_is_straightened():
    # The best Gaussian is 0.52 nats low; its mean and factor are those of the search.
    q = Gaussian(np.array([0.0, 0.3]), np.diag([0.55, 0.5]))
    p = density(banana, 2)
    warped = warp(p, q, np.arange(2), np.random.default_rng(5))
    assert warped.kept
    assert warped.gain > 0.4
    z = np.random.default_rng(6).normal(size=(4000, 2))
    weights = warped.density(warped.gaussian.at(z)).value - warped.gaussian.log_prob(z)
    # An ELBO is at most log 1, plus four standard errors: a false failure once in 30,000.
    assert -0.1 < weights.mean() < 4 * weights.std() / np.sqrt(4000)
    assert warped.evaluations == p.evaluations - 4000


def test_a_gaussian_is_left_alone():
    root = np.array([[1.0, 0.0], [0.7, 0.5]])
    p = density(lambda x: -0.5 * jnp.sum(jnp.linalg.solve(jnp.asarray(root, x.dtype), x) ** 2), 2)
    warped = warp(p, Gaussian(np.zeros(2), root), np.arange(2), np.random.default_rng(7))
    assert warped.gain == pytest.approx(0, abs=1e-3)
    assert warped.learned.promised < 1e-6


def test_scales_come_first_and_vectors_last():
    parameters = Parameters({"a": real(3), "b": real(), "c": positive(), "d": simplex(3), "e": positive(2)})
    # places: a 0-2, b 3, c 4, d 5-6, e 7-8
    assert scales_first(parameters).tolist() == [4, 3, 7, 8, 0, 1, 2, 5, 6]


def test_a_hub_comes_first_wherever_it_stands():
    def funnel(x):  # the scale of each depends on the third
        others = x[jnp.array([0, 1, 3])]
        return -0.5 * x[2] ** 2 - 0.5 * jnp.sum(others**2 * jnp.exp(-x[2])) - 1.5 * x[2]

    p = density(funnel, 4)
    q = Gaussian(np.zeros(4), np.diag([0.8, 0.8, 0.7, 0.8]))
    assert hubs_first(p, q, np.random.default_rng(8))[0] == 2
    found = list(orders(p, q, LogisticRegression(), np.random.default_rng(8)))  # it names no unknowns
    assert found[0].tolist() == [0, 1, 2, 3]
    assert len({tuple(order) for order in found}) == len(found) == 4
