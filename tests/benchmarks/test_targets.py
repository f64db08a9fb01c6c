"""The targets' truths: densities and numbers agree, by routes that share nothing but the density."""

import importlib
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_t

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
POSTERIORDB = [
    "earnings-logearn_height",
    "gp_pois_regr-gp_regr",
    "kidiq-kidscore_momiq",
    "mesquite-logmesquite_logvas",
    "nes1992-nes",
    "sblrc-blr",
    "wells_data-wells_dist",
    pytest.param("bball_drive_event_1-hmm_drive_1", marks=pytest.mark.slow),
    pytest.param("one_comp_mm_elim_abs-one_comp_mm_elim_abs", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def bank():
    """The package `targets`, as a benchmark sees it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        before = set(sys.modules)
        yield importlib.import_module("targets")
        for name in set(sys.modules) - before:
            if name.split(".")[0] == "targets":
                del sys.modules[name]


def density(model):
    """z -> log p(x, z), Jacobian included."""
    return lambda z: jnp.sum(model.log_likelihood(z, None)) + model.prior.log_prob(z)


def test_names_are_those_of_the_summary_in_alphabetical_order(bank):
    for name in bank.MAKERS | bank.FRESH:
        target = bank.target(name)
        values = jax.eval_shape(target.model.constrain, jnp.zeros(target.model.dim(None)))
        expected = [
            jax.tree_util.keystr(path, simple=True) + (f"[{', '.join(map(str, place))}]" if place else "")
            for path, leaf in jax.tree_util.tree_leaves_with_path(values)
            for place in np.ndindex(leaf.shape)
        ]
        assert list(target.names) == expected
        assert len(target.mean) == len(target.sd) == len(target.mean_error) == len(target.sd_error) == len(expected)
        assert np.all(np.isfinite(target.mean))
        assert np.all(target.sd > 0)


def test_few_targets_where_the_shared_folder_is_absent(bank, monkeypatch, tmp_path):
    monkeypatch.setattr(bank.posteriordb, "FOLDER", tmp_path / "absent")
    assert bank.posteriordb.present() == []
    assert "9 posteriors" in bank.posteriordb.missing()


@pytest.mark.parametrize("name", POSTERIORDB)
def test_reference_draws_obey_the_density(bank, shared, x64, name):
    """Stein's identities E[score] = 0 and E[(z - mean) score'] = -I over the reference draws, at most 110 entries:
    |z| > 4.5 happens by chance less than once in a thousand times. And the integral: importance sampling from a
    Student-t at the draws' moments gives the normaliser, so that no constant is lost."""
    target, model, n = bank.target(name), bank.target(name).model, 2500
    draws = {k: v[:: len(v) // n] for k, v in bank.posteriordb.draws(name).items()}
    z = np.asarray(jax.jit(jax.vmap(model.parameters.to_vector))(draws))
    q = multivariate_t(z.mean(0), np.cov(z.T), df=8, seed=0)
    fresh = q.rvs(n)
    both = np.concatenate([z, fresh])
    log_p, score = map(np.asarray, jax.jit(jax.vmap(jax.value_and_grad(density(model))))(both))
    score = score[:n]
    assert np.abs(score.mean(0) / score.std(0) * np.sqrt(n)).max() < 4.5
    products = (z - z.mean(0))[:, :, None] * score[:, None, :]
    assert np.abs((products.mean(0) + np.eye(z.shape[1])) / products.std(0) * np.sqrt(n)).max() < 4.5
    log_w = log_p[n:] - q.logpdf(fresh)
    assert logsumexp(log_w) - np.log(n) == pytest.approx(target.log_normaliser, abs=0.1)  # the least ESS is 600: 2.5 se


def moments_on_grid(model, grids):
    """(log normaliser, mean, sd) of the constrained scalars by the trapezoid rule over all of z."""
    z = jnp.stack([g.ravel() for g in jnp.meshgrid(*grids, indexing="ij")], 1)
    log_p = np.asarray(jax.jit(jax.vmap(density(model)))(z))
    values = jax.tree.leaves(jax.vmap(model.constrain)(z))
    x = np.concatenate([np.asarray(v).reshape(len(z), -1) for v in values], 1)
    total = logsumexp(log_p)
    w = np.exp(log_p - total)
    mean = w @ x
    cell = sum(np.log(g[1] - g[0]) for g in grids)
    return total + cell, mean, np.sqrt(w @ (x - mean) ** 2)


GRIDS = {
    "one-liner": [(-10, 26, 400)],
    "log-gamma-1": [(-45, 5, 2000)],
    "log-gamma-20": [(0, 6, 400)],
    "banana": [(-9, 9, 241), (-10, 90, 801)],
    "two-modes": [(-9, 19, 141), (-9, 9, 91)],
    "cauchy-location": [(-600, 600, 24001), (-4, 6, 41)],
}


@pytest.mark.parametrize("name", sorted(GRIDS))
def test_truth_of_the_small_ones_is_that_of_a_grid(bank, x64, name):
    target = bank.target(name)
    grids = [jnp.linspace(*g) for g in GRIDS[name]]
    log_normaliser, mean, sd = moments_on_grid(target.model, grids)
    # The tails of the last one fall as mu^-6 and reach beyond its grid.
    loose = name == "cauchy-location"
    assert log_normaliser == pytest.approx(target.log_normaliser, abs=1e-6 if loose else 1e-8)
    np.testing.assert_allclose(mean, target.mean, atol=1e-4 if loose else 1e-7)
    np.testing.assert_allclose(sd, target.sd, rtol=1e-3 if loose else 1e-7)


OUTER = {"eight-schools": 1, "eight-schools-noncentred": 9, "scales": 1, "funnel": 0, "gaussian-50": None}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OUTER))
def test_truth_of_the_conditionally_gaussian_ones(bank, x64, name):
    """Given one coordinate all the others are Gaussian: one Newton step and a determinant integrate the density."""
    target, outer = bank.target(name), OUTER[name]
    log_p, D = density(target.model), target.model.dim(None)
    low, high = {"funnel": (-40, 40), "scales": (2, 11), "eight-schools": (-12, 13)}.get(name, (-25, 13))
    grid = np.linspace(low, high, 501) if outer is not None else np.zeros(1)
    inside = np.array([i for i in range(D) if i != outer])

    def given(g):
        base = jnp.zeros(D) if outer is None else jnp.zeros(D).at[outer].set(g)

        def at(x):
            return log_p(base.at[inside].set(x))

        H = -jax.hessian(at)(jnp.zeros(len(inside)))
        x = jnp.zeros(len(inside))
        for _ in range(3):  # one is enough but for rounding
            x = x + jnp.linalg.solve(H, jax.grad(at)(x))
        log_I = at(x) - 0.5 * jnp.linalg.slogdet(H)[1] + 0.5 * len(inside) * jnp.log(2 * jnp.pi)
        return log_I, x, jnp.diag(jnp.linalg.inv(H))

    log_I, x, variance = map(np.asarray, jax.jit(jax.vmap(given))(grid))
    w = np.exp(log_I - logsumexp(log_I))
    cell = 0.0 if outer is None else np.log(grid[1] - grid[0])
    assert logsumexp(log_I) + cell == pytest.approx(target.log_normaliser, abs=2e-6)
    mean = w @ x
    sd = np.sqrt(w @ variance + w @ (x - mean) ** 2)
    scalars = [i for i in range(D) if i != outer]
    np.testing.assert_allclose(mean, target.mean[scalars], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(sd, target.sd[scalars], rtol=1e-5)
    if name in ("eight-schools", "scales", "eight-schools-noncentred"):
        tau = np.exp(grid)
        assert w @ tau == pytest.approx(target.mean[outer], rel=1e-5)
        assert np.sqrt(w @ tau**2 - (w @ tau) ** 2) == pytest.approx(target.sd[outer], rel=1e-4)


def test_student_t_is_that_of_scipy(bank, x64):
    """The density, and the sd against the definition of the scale matrix: cov = nu / (nu - 2) S."""
    target = bank.target("student-t")
    scale = 0.5 ** np.abs(np.subtract.outer(range(5), range(5))) * np.outer(target.sd, target.sd) * 3 / 5
    q = multivariate_t(target.mean, scale, df=5, seed=0)
    z = q.rvs(20)
    np.testing.assert_allclose(jax.vmap(density(target.model))(z), q.logpdf(z), rtol=1e-12)


def test_poisson_effects_of_one_group_are_those_of_a_grid(bank, x64):
    """Three nested sums over the very density, on the same box as the target's (one group fills more than it)."""
    target = bank.poisson.poisson_effects(np.array([3]))
    mu, log_tau, x = np.linspace(-4, 4, 41), np.linspace(-14, 2, 65), np.linspace(-9, 9, 121)
    m, t, x = (g.ravel() for g in np.meshgrid(mu, log_tau, x, indexing="ij"))
    b = m + np.exp(t) * x
    log_w = np.asarray(jax.jit(jax.vmap(density(target.model)))(jnp.stack([b, m, t], 1))) + t
    values = np.stack([b, m, np.exp(t)], 1)
    w = np.exp(log_w - logsumexp(log_w))
    cell = np.log(8 / 40) + np.log(16 / 64) + np.log(18 / 120)
    assert logsumexp(log_w) + cell == pytest.approx(target.log_normaliser, abs=1e-7)
    np.testing.assert_allclose(w @ values, target.mean, rtol=1e-7)
    np.testing.assert_allclose(np.sqrt(w @ values**2 - (w @ values) ** 2), target.sd, rtol=1e-6)


@pytest.mark.slow
def test_a_grid_twice_as_fine_changes_nothing_for_the_poisson_effects(bank, monkeypatch):
    target = bank.target("poisson-effects")
    linspace = np.linspace
    monkeypatch.setattr(np, "linspace", lambda a, b, n: linspace(a, b, 2 * n - 1))
    finer = bank.poisson.poisson_effects(bank.poisson.COUNTS)
    assert finer.log_normaliser == pytest.approx(target.log_normaliser, abs=1e-6)
    np.testing.assert_allclose(finer.mean, target.mean, atol=1e-6)
    np.testing.assert_allclose(finer.sd, target.sd, rtol=1e-6)


@pytest.mark.parametrize("name", ["logistic-100", "horseshoe"])
def test_stored_truth_is_good_enough(bank, name):
    target = bank.target(name)
    assert np.all(target.mean_error < 0.02 * target.sd)
    assert np.all(target.sd_error < 0.03 * target.sd)
    assert "NUTS" in target.how
