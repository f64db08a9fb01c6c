"""What every public family must do. Whoever adds one to `taut.families` finds it here without adding a line."""

import dataclasses
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taut.families
from taut.core.capabilities import Capability
from taut.core.trees import cast, is_float_array
from taut.errors import ArgumentError
from taut.families import Family
from taut.families.abilities import ABILITIES
from taut.families.base import Distribution
from taut.families.latents import LATENTS

PUBLIC = [part for _, part in inspect.getmembers(taut.families, inspect.isclass)]
# Bent families have tests of their own: their draws are no affine function of the noise.
FAMILIES = [
    part
    for part in PUBLIC
    if issubclass(part, Family)
    and hasattr(part, "around")
    and part not in (taut.families.SinhArcsinh, taut.families.Flow, taut.families.BentCoordinates)
]
"""Those over real vectors; discrete and amortised ones have tests of their own in tests/families."""
CASES = [(family, D) for family in FAMILIES for D in (1, 2)]
pytestmark = pytest.mark.usefixtures("x64")

X = np.array([[1.0, 2.0], [-0.5, 0.3], [0.0, 0.0]])
"""Predictors of dimension 2; their first column serves dimension 1."""


def member(family: Any, D: int):
    """A member like no other: every floating parameter is moved off its start."""
    rng = np.random.default_rng(D)
    start = family.around(np.array([0.4, -1.1])[:D], 0.8)
    return jax.tree.map(lambda a: a + 0.5 * rng.normal(size=a.shape) if is_float_array(a) else a, start)


def by_density(q, g):
    """E_q[g] as the integral of g q over a wide grid, by the trapezoid rule (exponentially accurate here)."""
    axis = np.linspace(-14, 14, 281 if q.dim == 2 else 2801)
    grid = np.stack(np.meshgrid(*[axis] * q.dim, indexing="ij"), -1).reshape(-1, q.dim)
    cell = (axis[1] - axis[0]) ** q.dim

    @jax.jit
    def integral(q):
        return cell * jnp.tensordot(jnp.exp(jax.vmap(q.log_prob)(grid)), jax.vmap(lambda z: g(q, z))(grid), 1)

    return integral(q)


def by_noise(q, g):
    """E_q[g] through the sampler: Gauss-Hermite nodes take the place of its standard normal noise."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    noise = np.stack(np.meshgrid(*[nodes] * q.dim, indexing="ij"), -1).reshape(-1, q.dim)
    weight = np.prod(np.stack(np.meshgrid(*[weights / weights.sum()] * q.dim, indexing="ij"), -1).reshape(-1, q.dim), 1)

    @jax.jit
    def integral(q):
        return jnp.tensordot(weight, jax.vmap(lambda e: g(q, q.sample(e)))(noise), 1)

    return integral(q)


def features(q, z):
    """Moments up to the fourth, and three functions that are no polynomials."""
    others = jnp.cos(z), jnp.exp(0.3 * z), jnp.sin(jnp.sum(z))[None]
    return jnp.concatenate([z, jnp.outer(z, z).ravel(), z**3, z**4, *others])


@pytest.mark.parametrize(("family", "D"), CASES)
def test_the_density_integrates_to_one(family, D):
    np.testing.assert_allclose(by_density(member(family, D), lambda q, z: 1.0), 1, rtol=1e-9)


@pytest.mark.parametrize(("family", "D"), CASES)
def test_the_sampler_and_the_density_are_of_one_distribution(family, D):
    q = member(family, D)
    np.testing.assert_allclose(by_noise(q, features), by_density(q, features), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("family", "D"), CASES)
def test_noise_is_what_the_quadrature_takes_it_for(family, D):
    # Independent standard normals: mean, covariance and fourth moment within 5 standard errors; with at most
    # 2 + 3 + 2 numbers compared, a right sampler fails one seed in 250,000, and the seed is fixed.
    q, n = member(family, D), 40_000
    e = np.asarray(jax.jit(lambda q, keys: jax.vmap(q.noise)(keys))(q, jax.random.split(jax.random.key(0), n)))
    assert e.shape == (n, D)
    np.testing.assert_allclose(e.mean(0), 0, atol=5 / np.sqrt(n))
    np.testing.assert_allclose(e.T @ e / n, np.eye(D), atol=5 * np.sqrt(2 / n))
    np.testing.assert_allclose((e**4).mean(0), 3, atol=5 * np.sqrt(96 / n))


@pytest.mark.parametrize("family", FAMILIES)
def test_one_key_gives_one_draw(family):
    q = member(family, 2)
    draw = jax.jit(lambda key: q.sample(q.noise(key)))
    first, again, other = (np.asarray(draw(jax.random.key(seed))) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.all(first != other)


@pytest.mark.parametrize("family", FAMILIES)
def test_draw_and_density_at_once_are_draw_and_density(family):
    q, noise = member(family, 2), np.array([0.3, -1.2])
    z, log_q = jax.jit(lambda q: q.sample_and_log_prob(noise))(q)
    np.testing.assert_allclose(z, jax.jit(lambda q: q.sample(noise))(q), rtol=1e-14)
    np.testing.assert_allclose(log_q, jax.jit(lambda q, z: q.log_prob(z))(q, z), rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_start_is_where_and_as_wide_as_asked(family):
    q = family.around([1.0, -2.0], sd=0.5)
    assert q.dim == 2
    moments = by_density(q, lambda q, z: jnp.concatenate([z, z**2]))
    np.testing.assert_allclose(moments, [1, -2, 1.25, 4.25], rtol=1e-9)
    np.testing.assert_allclose(family.around([0.0, 0.0], sd=[0.5, 2.0]).variance, [0.25, 4.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_dtype_is_kept(family, dtype):
    q = cast(member(family, 2), dtype)

    def everything(q, z, X):
        out = {"log_prob": q.log_prob(z), "noise": q.noise(jax.random.key(0)), "sample": q.sample(z)}
        if Capability.CLOSED_ENTROPY in q.offers:
            out["entropy"] = q.entropy()
        if Capability.MOMENTS in q.offers:
            out["moments"] = q.mean, q.variance
        if Capability.PREDICTOR_MOMENTS in q.offers:
            out["predictor_moments"] = q.predictor_moments(X)
        if Capability.PRECISION in q.offers:
            out["with_precision"] = q.with_precision(z, jnp.eye(2, dtype=dtype))
        return out

    seen = jax.eval_shape(everything, q, np.zeros(2, dtype), X.astype(dtype))
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(seen)} == {dtype}


def check_reparametrised(q):
    # The derivative of an expectation, once through the density and once through the draws.
    def g(_, z):
        return jnp.sum(jnp.cos(z) + 0.3 * z**3) + jnp.sin(jnp.sum(z))

    draws, density = (jax.grad(lambda q, route=route: route(q, g))(q) for route in (by_noise, by_density))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9), draws, density)
    if q.dim > 1:  # in one dimension nothing lies below the diagonal
        assert all(np.any(np.abs(leaf) > 1e-3) for leaf in jax.tree.leaves(draws))


def check_moments(q):
    first, second = np.split(np.asarray(by_density(q, lambda q, z: jnp.concatenate([z, z**2]))), 2)
    np.testing.assert_allclose(q.mean, first, rtol=1e-9)
    np.testing.assert_allclose(q.variance, second - first**2, rtol=1e-8)


def check_predictor_moments(q):
    design = X[:, : q.dim]
    m, v = q.predictor_moments(design)
    first = by_density(q, lambda q, z: design @ z)
    second = by_density(q, lambda q, z: (design @ z) ** 2)
    np.testing.assert_allclose(m, first, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(v, second - first**2, rtol=1e-8, atol=1e-12)


def check_entropy(q):
    np.testing.assert_allclose(q.entropy(), by_density(q, lambda q, z: -q.log_prob(z)), rtol=1e-9)


def check_precision(q):
    # A member is given back by its own mean and precision; its density, not its parameters, is what counts.
    points = np.linspace(-2, 2, 5)[:, None] * np.ones(q.dim)
    again = q.with_precision(np.asarray(q.mean), np.linalg.inv(np.asarray(q.covariance)))
    log_q = jax.jit(lambda q: jax.vmap(q.log_prob)(points))
    np.testing.assert_allclose(log_q(again), log_q(q), rtol=1e-9)
    # Of any other precision, what the family can have: all of it, or the diagonal (the optimum of a mean field).
    P = np.array([[2.0, 0.7], [0.7, 1.5]])[: q.dim, : q.dim]
    covariance = np.asarray(q.with_precision(np.zeros(q.dim), P).covariance)
    independent = np.array_equal(covariance, np.diag(np.diag(covariance)))
    np.testing.assert_allclose(np.linalg.inv(covariance), np.diag(np.diag(P)) if independent else P, atol=1e-12)


def check_covariance(q):
    first = by_density(q, lambda q, z: z)
    second = by_density(q, lambda q, z: jnp.outer(z, z))
    np.testing.assert_allclose(q.covariance, second - np.outer(first, first), rtol=1e-8, atol=1e-12)


def check_weak_derivatives(q):
    # Their expectation is in tests/gradients/test_exactness.py; here, that a weight's derivative says which parameter
    # it carries, and that each branch moves one standardised coordinate.
    noise, more = np.array([0.3, -1.2])[: q.dim], np.array([0.9, 1.7])[: q.dim]
    draws, weights = q.branches(noise, more)
    assert draws.shape == (3 * q.dim, q.dim)
    assert weights.shape == (3 * q.dim,)
    carried = jax.tree.leaves(jax.jacrev(lambda q: q.branches(noise, more).weights)(q))
    assert np.all(sum(np.abs(leaf).reshape(len(weights), -1).sum(1) for leaf in carried) > 0)
    standard = np.linalg.solve(np.linalg.cholesky(q.covariance), (np.asarray(draws) - q.mean).T).T
    np.testing.assert_array_equal(np.sum(np.abs(standard - noise) > 1e-9, axis=1), 1)


def check_uniform_noise(q):
    # Numbers of a fine grid of the unit interval have the moments of the noise.
    u = (np.arange(20_000) + 0.5) / 20_000
    noise = np.asarray(jax.vmap(q.noise_at)(u[:, None] * np.ones(q.dim)))
    np.testing.assert_allclose([noise.mean(), (noise**2).mean(), (noise**4).mean()], [0, 1, 3], atol=0.02)


def check_normal_noise(q):
    # by_noise takes it for granted in every other check; a draw is affine in it.
    z = [np.asarray(q.sample(e * np.ones(q.dim))) for e in (-1.0, 0.0, 1.0)]
    np.testing.assert_allclose(z[2] - z[1], z[1] - z[0], rtol=1e-12)


def check_factorised(q):
    # Each coordinate's own entropy, from its marginal density on a grid.
    axis = np.linspace(-14, 14, 281 if q.dim == 2 else 2801)
    grid = np.stack(np.meshgrid(*[axis] * q.dim, indexing="ij"), -1)
    log_q = np.asarray(jax.jit(lambda q: jax.vmap(q.log_prob)(grid.reshape(-1, q.dim)))(q)).reshape(grid.shape[:-1])
    step = axis[1] - axis[0]
    for j, entropy in enumerate(np.asarray(q.entropies())):
        marginal = step ** (q.dim - 1) * np.exp(log_q).sum(tuple(i for i in range(q.dim) if i != j))
        seen = marginal > 1e-300
        np.testing.assert_allclose(entropy, -step * marginal[seen] @ np.log(marginal[seen]), rtol=1e-9)


CHECKS = {
    Capability.REPARAMETRISED: check_reparametrised,
    Capability.MOMENTS: check_moments,
    Capability.PREDICTOR_MOMENTS: check_predictor_moments,
    Capability.CLOSED_ENTROPY: check_entropy,
    Capability.PRECISION: check_precision,
    Capability.FACTORISED: check_factorised,
    Capability.COVARIANCE: check_covariance,
    Capability.WEAK_DERIVATIVES: check_weak_derivatives,
    Capability.UNIFORM_NOISE: check_uniform_noise,
    Capability.NORMAL_NOISE: check_normal_noise,
}


# In the order of the enumeration: a set's own differs from one process to the next.
OFFERS = [(f, D, o) for f, D in CASES for o in Capability if o in member(f, D).offers]


@pytest.mark.parametrize(("family", "D", "offer"), OFFERS)
def test_what_is_offered_is_there(family, D, offer):
    assert offer in CHECKS, f"{offer} is offered by {family.__name__} and no check here says what that means"
    CHECKS[offer](member(family, D))


DISTRIBUTIONS = [part for part in PUBLIC if issubclass(part, Distribution) and not inspect.isabstract(part)]


@pytest.mark.parametrize("part", DISTRIBUTIONS)
def test_a_family_offers_what_it_implements(part):
    present = {*dir(part), *(field.name for field in dataclasses.fields(part))}
    offers = object.__new__(part).offers  # they depend on the class alone
    for capability, ability in ABILITIES.items():
        asked = {name for name in {*vars(ability), *ability.__annotations__} if not name.startswith("_")}
        assert asked
        assert capability not in offers or asked <= present, f"{capability} without {asked - present}"
        # What can be done is offered, too; the logits of a Bernoulli are the exception, since others have some as well.
        assert capability in offers or capability is Capability.BINARY or not asked <= present, capability


@pytest.mark.parametrize("latent", sorted(LATENTS))
def test_an_amortised_family_offers_no_more_than_its_members(latent):
    family = taut.families.Amortized(lambda x: x, latent)
    assert family.offers <= family.example(2).offers
    assert family.local
    assert family.example(2).dim == 2


@pytest.mark.parametrize("ask", [lambda q: q.dim, lambda q: q.noise(None), lambda q: q.sample(None)])
def test_an_amortised_family_has_no_draws_without_an_example(ask):
    with pytest.raises(ArgumentError, match="at\\(rows\\)"):
        ask(taut.families.Amortized(lambda x: x))


def test_names_are_told_apart():
    assert len({family.name for family in FAMILIES}) == len(FAMILIES) > 0


@pytest.mark.parametrize("family", [part for part in PUBLIC if hasattr(part, "around")], ids=lambda f: f.__name__)
def test_no_step_waits_for_another_librarys_threads(family):
    # LAPACK's solve made a gradient of 50 draws twenty times as slow on two cores.
    if family is taut.families.Flow:
        pytest.importorskip("flowjax")
    q = cast(family.around(np.full(3, 0.2), 0.8), np.float64)

    def densities(key):
        return jax.vmap(q.log_prob)(jax.vmap(q.sample)(q.noises(key, 4)))

    assert "triangular_solve" not in str(jax.make_jaxpr(densities)(jax.random.key(0)))
