"""The engine on densities whose best Gaussian, or whose whole posterior, is known."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.algorithms.on_density.gaussians import Gaussian, divergence, matched_draws, score, stepped
from taut.algorithms.on_density.phases import draws_for, fixed_draws, fresh_draws
from taut.algorithms.on_density.quasi_newton import maximise
from taut.algorithms.on_density.search import search
from taut.algorithms.on_density.starts import curvatures, modes, root_of_inverse
from taut.core.batch import Batch
from taut.errors import ArgumentError, PairingError
from taut.families import LowRank
from taut.models import LogDensity, real
from taut.models.density import Density
from taut.verdict.draws import gaussian_of

ALL = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
FLOAT = np.dtype("float64")
rng = np.random.default_rng(0)
ROOT = np.tril(rng.normal(size=(4, 4)), -1) + np.diag([0.1, 1.0, 3.0, 10.0])
PRECISION = np.linalg.inv(ROOT @ ROOT.T)
CENTRE = np.array([1.0, -2.0, 0.5, 30.0])


def gaussian_density(v):
    away = v["x"] - CENTRE
    return -0.5 * away @ jnp.asarray(PRECISION) @ away + 7.0


def two_modes(v):
    return jnp.logaddexp(-0.5 * jnp.sum((v["x"] - 6.0) ** 2) + jnp.log(0.75), -0.5 * jnp.sum((v["x"] + 6.0) ** 2))


@pytest.fixture(scope="module")
def gaussian():
    return LogDensity(gaussian_density, parameters={"x": real(4)})


@pytest.fixture(scope="module")
def density(gaussian):
    return Density(gaussian, ALL, FLOAT)


def test_the_density_is_the_formula_and_counts_its_points(density):
    before = density.evaluations
    z = rng.normal(size=(70, 4))  # three blocks, the last one padded
    seen = density(z)
    away = z - CENTRE
    np.testing.assert_allclose(seen.value, -0.5 * np.einsum("si,ij,sj->s", away, PRECISION, away) + 7, rtol=1e-12)
    np.testing.assert_allclose(seen.gradient, -away @ PRECISION, rtol=1e-10)
    assert density.evaluations == before + 70


def test_a_point_without_a_density_is_marked():
    half = Density(LogDensity(lambda v: jnp.log(v["x"]) - v["x"], parameters={"x": real()}), ALL, FLOAT)
    seen = half(np.array([[1.0], [-1.0]]))
    assert seen.value[0] == -1
    assert seen.value[1] == -np.inf
    assert seen.gradient[1] == 0


def test_matched_draws_have_the_moments_of_a_standard_normal():
    z = matched_draws(np.random.default_rng(1), 64, 8)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-15)
    np.testing.assert_allclose(z.T @ z / 64, np.eye(8), atol=1e-12)


def test_one_batch_of_scores_is_exact_on_a_gaussian(density):
    q = Gaussian(np.zeros(4), np.eye(4))
    seen = score(density, q, matched_draws(np.random.default_rng(2), 16, 4))
    np.testing.assert_allclose(seen.curvature, PRECISION, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(seen.gradient, PRECISION @ CENTRE, rtol=1e-9)


def test_a_full_step_covers_the_symmetric_divergence_that_it_says(density):
    q = Gaussian(CENTRE + 0.3 * ROOT[:, 1], 1.4 * ROOT)
    new, covered = stepped(q, score(density, q, matched_draws(np.random.default_rng(3), 16, 4)), 1.0)

    def one_way(a, b):
        ratio = np.linalg.solve(b.factor @ b.factor.T, a.factor @ a.factor.T)
        away = np.linalg.solve(b.factor, b.mean - a.mean)
        return 0.5 * (np.trace(ratio) - 4 + away @ away - np.linalg.slogdet(ratio)[1])

    assert covered == pytest.approx(one_way(q, new) + one_way(new, q), rel=1e-8)
    assert divergence(q, new) == pytest.approx(covered, rel=1e-8)
    np.testing.assert_allclose(new.mean, CENTRE, rtol=1e-8)
    np.testing.assert_allclose(new.factor @ new.factor.T, ROOT @ ROOT.T, rtol=1e-7)


def test_climbs_end_at_the_mode_and_find_its_curvature(density):
    climbs = maximise(density, rng.uniform(-2, 2, (6, 4)))
    assert climbs.arrived.all()
    away = np.linalg.solve(ROOT, (climbs.ends - CENTRE).T)
    assert np.linalg.norm(away, axis=0).max() < 0.1  # 1e-4 nats are 0.014 sd, here allowed tenfold
    np.testing.assert_allclose(curvatures(density, CENTRE[None])[0], PRECISION, rtol=1e-6, atol=1e-8)
    assert len(modes(density, climbs, rng)) == 1


def test_a_start_at_the_mode_is_at_rest(density):
    assert maximise(density, CENTRE[None]).arrived[0]


def test_the_root_is_one_for_scales_that_differ_by_ten_orders():
    H = np.diag([1e10, 1.0, 1e-10])
    root = root_of_inverse(H)
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(H), rtol=1e-9)


def test_both_phases_stand_still_at_the_answer(density):
    best, z = Gaussian(CENTRE, ROOT), matched_draws(np.random.default_rng(4), draws_for(4), 4)
    settled = fixed_draws(density, best, z, 10)
    assert settled.converged
    assert settled.iterations == 0
    averaged = fresh_draws(density, best, np.random.default_rng(5), draws_for(4))
    assert averaged.mean_error.max() < 1e-8
    assert averaged.phase.iterations == 4  # no error is left, and four batches show it
    assert settled.elbo == pytest.approx(7 + 2 * np.log(2 * np.pi) + np.linalg.slogdet(ROOT)[1], abs=1e-8)


def test_a_gaussian_posterior_is_found_exactly_and_certified(gaussian):
    fit = taut.fit(gaussian)
    q = gaussian_of(fit.posterior)
    np.testing.assert_allclose(q.mean, CENTRE, rtol=1e-6)
    np.testing.assert_allclose(q.factor @ q.factor.T, ROOT @ ROOT.T, rtol=1e-6, atol=1e-9)
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.answer == "good"
    assert fit.algorithm.name == "score regression"
    assert fit.cost.stages["learning"].gradients < 2500  # most of them the 32 climbs at condition 1e4


def test_a_width_that_has_what_the_next_one_promises_ends_the_search(density):
    climbs = maximise(density, CENTRE[None])
    before = density.evaluations
    (start,) = modes(density, climbs, np.random.default_rng(6))
    assert density.evaluations - before == 2 * 4 + 1 + 32  # the curvature, the centre and one width
    np.testing.assert_allclose(start.gaussian.factor @ start.gaussian.factor.T, ROOT @ ROOT.T, rtol=1e-5)


@pytest.mark.slow
def test_three_hundred_correlated_unknowns():
    D, turn = 300, np.linalg.qr(np.random.default_rng(7).standard_normal((300, 300)))[0]
    variance = np.geomspace(0.01, 100, D)
    precision, covariance = (turn / variance) @ turn.T, (turn * variance) @ turn.T
    fit = taut.fit(LogDensity(lambda v: -0.5 * v["x"] @ jnp.asarray(precision) @ v["x"], parameters={"x": real(D)}))
    q = gaussian_of(fit.posterior)
    np.testing.assert_allclose(q.mean / q.sd, 0, atol=1e-6)
    np.testing.assert_allclose(q.factor @ q.factor.T, covariance, rtol=1e-4, atol=1e-4)
    assert fit.elbo == pytest.approx(0.5 * D * np.log(2 * np.pi) + 0.5 * np.log(variance).sum(), abs=1e-6)
    assert fit.verdict.trust.answer == "good"
    assert fit.cost.stages["learning"].gradients < 30_000


@pytest.mark.slow
def test_a_low_rank_gaussian_is_found_by_steps_and_its_verdict_is_no_certificate():
    D, F = 40, 1.5 * np.random.default_rng(8).standard_normal((40, 2))
    covariance = np.eye(D) + F @ F.T
    precision = np.linalg.inv(covariance)
    model = LogDensity(lambda v: -0.5 * (v["x"] - 1) @ jnp.asarray(precision) @ (v["x"] - 1), parameters={"x": real(D)})
    fit = taut.fit(model, family=LowRank.around(np.zeros(D), 0.1, rank=2))
    q: Any = fit.posterior
    found, away = np.asarray(q.covariance), np.asarray(q.mean) - 1
    log_det = np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(found)[1]
    assert 0.5 * (np.trace(precision @ found) - D + away @ precision @ away + log_det) < 0.05  # a mean field: 3.7 nats
    assert fit.algorithm.name == "stochastic gradient"
    assert fit.verdict.converged.answer != "yes"
    with pytest.raises(PairingError, match="StochasticGradient"):
        taut.fit(model, family=LowRank.around(np.zeros(D)), algorithm="score regression")


def test_a_second_mode_is_seen_whatever_the_seed():
    far = Density(LogDensity(two_modes, parameters={"x": real(2)}), ALL, FLOAT)
    for seed in range(5):
        found = search(far, np.array([6.0, 6.0]), np.random.default_rng(seed))
        assert sorted(np.sign(run.gaussian.mean[0]) for run in found.rivals) == [-1, 1]
        gap = found.rivals[0].elbo - found.rivals[1].elbo
        assert abs(gap) == pytest.approx(np.log(1 / 0.75), abs=1e-3)


def test_a_density_that_is_finite_nowhere_is_refused():
    with pytest.raises(ArgumentError, match="NaN at the start"):
        taut.fit(LogDensity(lambda v: jnp.log(-1.0 - v["x"] ** 2), parameters={"x": real()}))


def test_what_it_cannot_serve_is_refused(gaussian):
    with pytest.raises(PairingError, match="full-rank"):
        taut.fit(gaussian, algorithm="score regression", family="mean-field")
    with pytest.raises(PairingError, match="full-rank"):
        taut.fit(gaussian, algorithm="batch and match", family="mean-field")
    with pytest.raises(PairingError, match="mean-field"):
        taut.fit(gaussian, algorithm="fixed draws", family="full-rank")
    with pytest.raises(ArgumentError, match="steps=1"):
        taut.algorithms.ScoreRegression(steps=1)
    with pytest.raises(ArgumentError, match="draws=3"):
        taut.algorithms.FixedDraws(draws=3)
    with pytest.raises(ArgumentError, match="batch=3"):
        taut.algorithms.BatchAndMatch(batch=3)


def test_batch_and_match_is_exact_on_a_gaussian(gaussian):
    fit = taut.fit(gaussian, algorithm="batch and match")
    q = gaussian_of(fit.posterior)
    np.testing.assert_allclose(q.mean, CENTRE, rtol=1e-4)
    np.testing.assert_allclose(q.factor @ q.factor.T, ROOT @ ROOT.T, rtol=1e-3, atol=1e-6)


def test_fixed_draws_find_the_mean_field_optimum_and_linear_response_the_covariance(gaussian):
    # The best mean field of a Gaussian has its mean and, coordinate by coordinate, the inverse of the precision.
    fit = taut.fit(gaussian, algorithm="fixed draws", family="mean-field")
    q = gaussian_of(fit.posterior)
    np.testing.assert_allclose(q.sd, 1 / np.sqrt(np.diag(PRECISION)), rtol=0.02)
    assert fit.verdict.converged.answer == "yes"
    response = taut.fit(gaussian, algorithm=taut.algorithms.FixedDraws(linear_response=True), family="mean-field")
    full = gaussian_of(response.posterior)
    np.testing.assert_allclose(full.sd, np.sqrt(np.diag(ROOT @ ROOT.T)), rtol=1e-3)
