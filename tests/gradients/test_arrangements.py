"""Arrangements of the K draws: what each keeps, and who may not use them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taut.errors import ArgumentError, PairingError
from taut.families import Bernoulli, Categorical, FullRank, Gamma, MeanField
from taut.gradients import (
    LeaveOneOut,
    MovingAverage,
    NoControl,
    OptimalBaseline,
    PathDerivative,
    Reinforce,
    Reparametrization,
)
from taut.gradients.arrangements import BITS, DRAWS, mirrored, moment_matched, shifted, sobol
from taut.models import LogDensity, real
from taut.models.target import Target
from taut.objectives import Elbo, ImportanceWeighted, Renyi
from taut.problem import Problem

ARRANGED = [d for d in DRAWS if d != "independent"]
Q = MeanField(np.array([0.3, -0.2], np.float32), np.array([0.1, -0.4], np.float32))
MODEL = LogDensity(lambda v: -jnp.sum(jnp.cosh(v["z"])), parameters={"z": real(2)})


def noise(draws, K, q=Q, seed=0):
    return np.asarray(Reparametrization(K, draws=draws).noise(jax.random.key(seed), q))


def test_pairs_are_mirrored():
    for draws in ("antithetic", "moment-matched"):
        e = noise(draws, 8)
        np.testing.assert_allclose(e[:4], -e[4:], atol=2e-6)
        assert np.unique(np.round(np.abs(e), 5)).size == 8
    u = noise("antithetic", 8, Bernoulli(np.zeros(2, np.float32)))
    np.testing.assert_array_equal(u[:4] + u[4:], 1)


def test_moments_are_matched_exactly():
    e = noise("moment-matched", 6)
    np.testing.assert_allclose(e.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(e.T @ e / 6, np.eye(2), atol=1e-5)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("family", [MeanField, FullRank])
def test_matched_moments_leave_no_noise_on_a_gaussian_target(family):
    precision = np.array([[2.0, 0.6], [0.6, 1.0]])
    model = LogDensity(lambda v: -0.5 * v["z"] @ precision @ v["z"] + v["z"][0], parameters={"z": real(2)})
    q = family.around(np.array([0.4, -1.0]), 0.7)
    target = Target(model, np.zeros((1, 0)), np.ones(1), np.asarray(1.0))
    gradient = Reparametrization(4, draws="moment-matched")

    @jax.jit
    @jax.grad
    def slope(q, key):
        statistics, _ = gradient.surrogate(gradient.noise(key, q), Elbo(), target, q, frozenset(), ())
        return statistics["expected_log_likelihood"]

    found = slope(q, jax.random.key(1))
    np.testing.assert_allclose(found.mean, np.array([1.0, 0.0]) - precision @ np.array([0.4, -1.0]), rtol=1e-12)
    last = found.log_sd if family is MeanField else found.log_diagonal
    np.testing.assert_allclose(last, -np.diag(precision) * 0.49, rtol=1e-12)


def test_every_sobol_point_takes_every_value_once_over_all_shifts():
    # That is what makes each draw uniform, and the estimator unbiased: here with all shifts of a three-bit grid.
    points = sobol(4, 1) >> (BITS - 3)
    seen = np.stack([points[:, 0] ^ shift for shift in range(8)])
    assert all(sorted(column) == list(range(8)) for column in seen.T)


@given(shift=arrays(int, 2, elements=st.integers(0, 2**BITS - 1)))
def test_sobol_points_are_spread_evenly(shift):
    # 16 points in two dimensions: one in each row and each column of sixteen, whatever the shift.
    u = np.asarray(shifted(sobol(16, 2), shift))
    for column in u.T:
        assert sorted((column * 16).astype(int)) == list(range(16))
    assert np.all((u > 0) & (u < 1))


def test_uniform_numbers_stay_inside():
    edge = np.asarray(mirrored(jnp.array([[0.0], [1 - 2.0**-24]], jnp.float32)))
    assert np.all((edge > 0) & (edge < 1))


@pytest.mark.parametrize("draws", ARRANGED)
@pytest.mark.parametrize("kind", [Reparametrization, PathDerivative])
def test_arranged_draws_have_the_right_expectation(draws, kind):
    """E over q of cos z, by 4,000 arrangements of 4: within 4 standard errors; a right sampler fails once in 16,000.

    Whitened draws are the exception that is declared: biased, and seen to be.
    """
    gradient = kind(4, draws=draws)
    z = jax.jit(jax.vmap(lambda key: jax.vmap(Q.sample)(gradient.noise(key, Q))))(
        jax.random.split(jax.random.key(2), 4000)
    )
    means = np.cos(np.asarray(z[:, :, 0], float)).mean(1)
    exact = np.cos(0.3) * np.exp(-0.5 * np.exp(0.2))
    error = (means.mean() - exact) / (means.std() / np.sqrt(4000))
    assert gradient.unbiased == (draws != "moment-matched")
    assert (abs(error) < 4) == gradient.unbiased


@pytest.mark.slow
def test_arranged_draws_are_quieter_on_a_smooth_cost():
    keys = jax.random.split(jax.random.key(3), 400)
    spread = {}
    for draws in ("independent", "antithetic", "sobol"):
        gradient = Reparametrization(32, draws=draws)
        z = jax.jit(jax.vmap(lambda key, g=gradient: jax.vmap(Q.sample)(g.noise(key, Q))))(keys)
        spread[draws] = np.asarray(z).mean(1).std(0).max()
    assert spread["antithetic"] < 1e-5  # odd functions cancel
    assert spread["sobol"] < 0.5 * spread["independent"]


@pytest.mark.parametrize("draws", ARRANGED)
def test_a_baseline_of_the_other_draws_needs_them_independent(draws):
    with pytest.raises(ArgumentError, match="independent of it"):
        Reinforce(4, LeaveOneOut(), draws=draws)
    for other in (NoControl(), MovingAverage(), OptimalBaseline()):
        assert Reinforce(4, other, draws=draws).draws == draws


@pytest.mark.parametrize("objective", [ImportanceWeighted(), Renyi(0.5)], ids=lambda o: o.name)
@pytest.mark.parametrize("draws", ARRANGED)
def test_bounds_of_several_draws_take_independent_ones(draws, objective):
    with pytest.raises(PairingError, match="mean over draws"):
        Problem(MODEL, Q, objective, Reparametrization(4, draws=draws)).check()


def test_families_whose_noise_is_another_are_refused():
    gamma, choice = Gamma(np.zeros(2), np.zeros(2)), Categorical(np.zeros((1, 2)))
    mirrored_scores = Reinforce(4, NoControl(), draws="antithetic")
    for q, kind in ((gamma, Reparametrization(4, draws="sobol")), (choice, mirrored_scores)):
        with pytest.raises(PairingError, match="uniform number"):
            Problem(MODEL, q, Elbo(), kind).check()
    with pytest.raises(PairingError, match="standard normal"):
        Problem(MODEL, Bernoulli(np.zeros(2)), Elbo(), Reinforce(4, NoControl(), draws="moment-matched")).check()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Reparametrization(4, draws="halton"), "one of independent"),
        (lambda: Reparametrization(5, draws="antithetic"), "even"),
        (lambda: moment_matched(jnp.zeros((2, 3))), "at least 6"),
    ],
)
def test_senseless_arrangements_are_refused(build, words):
    with pytest.raises(ArgumentError, match=words):
        build()


def test_the_arrangement_is_in_the_label():
    assert Reparametrization(4, draws="sobol").label == "reparametrization (sobol draws)"
    assert Reparametrization(4).label == "reparametrization"
