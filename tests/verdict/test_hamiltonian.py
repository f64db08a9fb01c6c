"""Rung C: the chains leave a wrong family for the posterior, and say when they have not."""

import jax.numpy as jnp
import numpy as np

from taut.core.batch import Batch
from taut.families.sinh_arcsinh import SinhArcsinh
from taut.models import LogDensity, real
from taut.verdict.hamiltonian import hamiltonian_draws, moments

NO_ROWS = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
ROOT = np.array([[1.0, 0.0], [0.6, 0.8]])


def test_moments_of_independent_draws():
    draws = np.random.default_rng(8).normal([1.0, 2.0], [1.0, 3.0], size=(100, 40, 2))
    found = moments(draws)
    np.testing.assert_allclose(found.mean, draws.reshape(-1, 2).mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.sd, draws.reshape(-1, 2).std(0), rtol=1e-12)
    # errors are known to 7 % with 100 chains; 30 % is four of their standard errors
    np.testing.assert_allclose(found.mean_error, np.array([1.0, 3.0]) / np.sqrt(4000), rtol=0.3)
    np.testing.assert_allclose(found.sd_error, np.array([1.0, 3.0]) / np.sqrt(8000), rtol=0.3)
    assert np.all(found.r_hat < 1.01)


def test_chains_that_disagree_are_not_believed():
    draws = np.random.default_rng(9).normal(size=(50, 40, 1))
    draws[0] += 10
    draws[1] -= 10
    assert moments(draws).r_hat[0] > 1.5
    frozen = np.repeat(np.random.default_rng(9).normal(size=(50, 1, 1)), 40, axis=1)
    assert not moments(frozen).agree
    on_its_way = np.random.default_rng(9).normal(np.linspace(0, 0.5, 40)[:, None], 1, size=(400, 40, 1))
    assert moments(on_its_way).r_hat[0] < 1.05
    assert not moments(on_its_way).agree


def test_chains_leave_a_wrong_family():
    def log_p(v):
        standard = jnp.linalg.solve(jnp.asarray(ROOT, v["x"].dtype), v["x"] - 1.0)
        return jnp.where(v["x"][0] > 50, jnp.nan, -0.5 * jnp.sum(standard**2))

    family = SinhArcsinh.around([0.5, 1.5], sd=0.7)
    model = LogDensity(log_p, parameters={"x": real(2)})
    said = hamiltonian_draws(model, NO_ROWS, family, 10, np.dtype("float64"), chains=100)
    assert said.draws.shape == (100, 50, 2)
    # five standard errors each: a false failure once in 400,000
    assert np.all(np.abs(said.moments.mean - 1) < 5 * said.moments.mean_error)
    assert np.all(np.abs(said.moments.sd - 1) < 5 * said.moments.sd_error)
    assert np.all(said.moments.mean_error < 0.05)
    assert said.moments.agree
    assert 0.6 < said.acceptance < 0.95
    assert said.divergences == 0
    assert said.evaluations > 100 * 100


def test_chains_go_on_where_they_stand():
    model = LogDensity(lambda v: -0.5 * jnp.sum((v["x"] - 1.0) ** 2), parameters={"x": real(2)})
    family = SinhArcsinh.around([1.0, 1.0])
    how = {"chains": 50, "transitions": 40}
    first = hamiltonian_draws(model, NO_ROWS, family, 1, np.dtype("float64"), **how)
    more = hamiltonian_draws(model, NO_ROWS, family, 2, np.dtype("float64"), before=first, **how)
    assert (first.draws.shape, more.draws.shape) == ((50, 20, 2), (50, 40, 2))
    assert more.step_size == first.step_size
    np.testing.assert_allclose(first.draws[:, -1], 1 + first.last, rtol=1e-12)
    both = first.joined(more)
    assert both.draws.shape == (50, 60, 2)
    assert both.evaluations == first.evaluations + more.evaluations
    np.testing.assert_allclose(both.moments.mean, both.draws.mean((0, 1)), rtol=1e-12)


def test_the_drift_of_many_unknowns_is_held_against_its_noise():
    still = np.random.default_rng(3).normal(size=(64, 50, 2000))
    assert np.abs(moments(still).drift).max() > 0.1
    assert moments(still).agree
    moving = still + np.where(np.arange(2000) == 7, 1.0, 0.0) * np.linspace(0, 0.6, 50)[None, :, None]
    assert np.flatnonzero(~moments(moving).settled).tolist() == [7]
