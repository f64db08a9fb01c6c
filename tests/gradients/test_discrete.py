"""Discrete posteriors: any cost at all, and what a unit of accuracy costs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.capabilities import Capability
from taut.core.compilation import PLAIN
from taut.data.source import Source
from taut.errors import ArgumentError, PairingError
from taut.families import Bernoulli, Categorical, MeanField, Poisson
from taut.gradients import (
    Disarm,
    DoubleControl,
    Enumeration,
    LeaveOneOut,
    MeasureValued,
    NoControl,
    Reinforce,
    StraightThrough,
    admissible,
)
from taut.models import LogDensity, real
from taut.models.target import Target
from taut.objectives import Elbo, Weighted
from taut.problem import Problem

plainly = partial(jax.jit, compiler_options=PLAIN)
COST = Weighted(0.0)
"""E_q[cost] alone."""


def steps(z):
    """Not continuous anywhere, and its derivative is zero wherever it has one."""
    return jnp.floor(3 * jnp.sin(7 * z[0] + 2 * z[-1])) + 5.0 * (jnp.sum(z) >= 2) - jnp.sign(z[0] - z[-1])


def problem(q, gradient, cost=steps):
    return Problem(LogDensity(lambda v: cost(v["z"]), parameters={"z": real(q.dim)}), q, COST, gradient)


def slopes(gradient, q, nodes):
    """The estimate at each node of the noise."""
    model = problem(q, gradient).model
    target = Target(model, np.zeros((1, 0)), np.ones(1), np.asarray(1.0))

    @plainly
    @partial(jax.vmap, in_axes=(None, 0))
    @jax.grad
    def slope(q, noise):
        return COST.value(gradient.surrogate(noise, COST, target, q, frozenset(), ())[0], (), 0)

    return slope(q, nodes)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "gradient",
    [Reinforce(2), Reinforce(2, NoControl()), MeasureValued(1), Disarm(2), Enumeration()],
    ids=lambda g: g.label,
)
def test_no_assumption_about_the_cost_a_step_function(gradient):
    q = Bernoulli(np.array([0.4, -0.8, 1.1]))
    z, p = q.outcomes(), np.asarray(q.mean)
    weight = np.exp(np.asarray(jax.vmap(q.log_prob)(z)))
    exact = np.asarray(jax.vmap(steps)(z)) * weight @ (z - p)  # sum over z of f(z) dq/dl = f q (z - p)
    one = np.where(z > 0, p / 2, (1 + p) / 2)
    if isinstance(gradient, Enumeration):
        nodes, share = np.zeros((1, 1)), np.ones(1)
    elif isinstance(gradient, MeasureValued):
        nodes, share = (one[:, None], ()), weight
    elif isinstance(gradient, Disarm):
        u = np.stack(np.meshgrid(*[_pieces(p_j)[0] for p_j in p], indexing="ij"), -1).reshape(-1, 3)
        share = np.prod(np.stack(np.meshgrid(*[_pieces(p_j)[1] for p_j in p], indexing="ij"), -1).reshape(-1, 3), 1)
        nodes = np.stack([u, 1 - u], 1)
    else:
        nodes = np.stack(np.broadcast_arrays(one[:, None], one[None]), 2).reshape(-1, 2, 3)
        share = np.outer(weight, weight).ravel()
    np.testing.assert_allclose(share @ slopes(gradient, q, nodes).logits, exact, rtol=1e-10, atol=1e-12)


def _pieces(p):
    cuts = np.array([0, min(p, 1 - p), max(p, 1 - p), 1])
    return (cuts[:-1] + cuts[1:]) / 2, np.diff(cuts)


@pytest.mark.usefixtures("x64")
def test_a_continuous_posterior_takes_a_step_function_too():
    # P(z > t) under N(m, s^2): its derivative in m is N(t; m, s^2), and in log s it is (t - m) N(t; m, s^2).
    m, s, t = 0.3, 0.8, 0.9
    q, n = MeanField(np.array([m]), np.log([s])), 200_000
    u = (np.arange(n) + 0.5) / n
    gradient = MeasureValued(1)
    target = Target(
        LogDensity(lambda v: jnp.where(v["z"][0] > t, 1.0, 0.0), parameters={"z": real(1)}),
        np.zeros((1, 0)),
        np.ones(1),
        np.asarray(1.0),
    )

    @jax.jit
    @jax.grad
    def slope(q, e, w):
        def of(e, w):
            return gradient.surrogate((e, w), COST, target, q, frozenset(), ())[0]

        return jnp.mean(jax.vmap(of)(e[:, None, None], w[:, None, None])["expected_log_likelihood"])

    # The mean's branches see w alone, so quantiles of it will do; the sd's see e and w, here by a two-dimensional grid.
    quantiles = np.sqrt(-2 * np.log(u))
    density = np.exp(-0.5 * ((t - m) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(slope(q, 0 * u, quantiles).mean, density, rtol=1e-4)
    e, w = (
        a.ravel()
        for a in np.meshgrid(
            jax.scipy.special.ndtri((np.arange(900) + 0.5) / 900), np.sqrt(-2 * np.log((np.arange(900) + 0.5) / 900))
        )
    )
    np.testing.assert_allclose(slope(q, e, w).log_sd, (t - m) * density, rtol=4e-3)


def test_the_local_expectation_of_a_separable_cost_has_no_noise():
    q, costs = Bernoulli(jnp.array([0.4, -0.8, 1.1])), jnp.array([3.0, -1.0, 2.0])
    gradient = MeasureValued(1)
    target = Target(problem(q, gradient, lambda z: costs @ z).model, np.zeros((1, 0)), np.ones(1), np.asarray(1.0))
    noise = jax.vmap(lambda key: gradient.noise(key, q))(jax.random.split(jax.random.key(0), 5))

    def of(q, e):
        return gradient.surrogate(e, COST, target, q, frozenset(), ())[0]["expected_log_likelihood"]

    slope = jax.jit(jax.vmap(jax.grad(of), (None, 0)))(q, noise).logits
    np.testing.assert_allclose(slope, np.tile(costs * q.variance, (5, 1)), rtol=1e-5)


def test_what_a_gradient_costs():
    q, c, g = Bernoulli(np.zeros(20)), Categorical(np.zeros((3, 5))), MeanField(np.zeros(4), np.zeros(4))
    assert MeasureValued(2).evaluations(q) == 2 * (1 + 20)
    assert MeasureValued(1).evaluations(c) == 1 + 3 * 4
    assert MeasureValued(1).evaluations(g) == 1 + 3 * 4
    assert MeasureValued(1).evaluations(Poisson(np.zeros(6))) == 7
    assert Enumeration().evaluations(Categorical(np.zeros((2, 3)))) == 9
    assert Disarm(4).evaluations(q) == Reinforce(4).evaluations(q) == 4
    assert Reinforce(4, DoubleControl()).evaluations(q) == 4


@pytest.mark.slow
def test_variance_times_evaluations_on_twenty_binary_coordinates():
    """Local expectation < leave-one-out with four draws < DisARM pairs < plain score, on a network's cost.

    20,000 gradients of each: a variance is known to about 1 % (seen over seeds), and neighbours in the order differ by
    more than a fifth, so that a right library fails one seed in far more than a million.
    """
    from taut.choosing.meter import measure_gradient

    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(20, 32)) / np.sqrt(20) * 1.5, rng.normal(size=32)
    out = rng.normal(size=32) / np.sqrt(32)
    q = Bernoulli(rng.normal(size=20))

    def cost(z):
        return 1.0 + jnp.tanh((2 * z - 1) @ A + b) @ out

    price = {}
    for gradient in (MeasureValued(1), Reinforce(4), Disarm(2), Reinforce(1, NoControl())):
        seen = measure_gradient(problem(q, gradient, cost), Source(np.zeros((1, 0))), repeats=20_000)
        price[gradient.label] = sum(v.sum() for v in jax.tree.leaves(seen.variance)) * gradient.evaluations(q)
    local, four, pairs, plain = price.values()
    assert local * 1.2 < four, price
    assert four * 1.2 < pairs, price
    assert pairs * 1.2 < plain, price


def test_who_serves_a_discrete_posterior():
    q = Bernoulli(np.zeros(3))
    labels = [g.label for g in admissible(Elbo(), problem(q, Enumeration()).model, q)]
    for label in ("enumeration", "disarm", "measure-valued", "reinforce (leave-one-out)", "straight-through (biased)"):
        assert label in labels
    assert not {"reparametrization", "path-derivative", "exact"} & set(labels)


def test_too_many_outcomes_are_refused_with_the_reason():
    with pytest.raises(PairingError, match="at most 4096 outcomes"):
        problem(Bernoulli(np.zeros(13)), Enumeration()).check()
    problem(Bernoulli(np.zeros(12)), Enumeration()).check()


def test_a_pair_is_two():
    with pytest.raises(ArgumentError, match="even"):
        Disarm(3)
    with pytest.raises(ArgumentError, match="temperature"):
        StraightThrough(temperature=0.0)
    assert LeaveOneOut.compares_draws
    assert Capability.BINARY in Disarm.needs
