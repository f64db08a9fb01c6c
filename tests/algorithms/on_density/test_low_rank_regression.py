"""Low-rank score regression: exact where the target has its form, honest where it has not, at a cost linear in D."""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.algorithms import LowRankRegression, ScoreRegression
from taut.algorithms.on_density.stretched import Stretched, pruned, refitted, residuals
from taut.core.batch import Batch
from taut.errors import ArgumentError, PairingError
from taut.families import StretchedGaussian
from taut.models import LogDensity, real
from taut.models.density import Density


def density_of(log_joint, dim: int) -> Density:
    """In double precision, so that exact is exact."""
    nothing = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
    return Density(LogDensity(log_joint, parameters={"x": real(dim)}), nothing, np.dtype("float64"))


def factor_target(dim: int, rank: int, sign: float, seed: int = 0):
    """A Gaussian whose precision in scaled coordinates is I + sign F F': model, mean and covariance."""
    random = np.random.default_rng(seed)
    scale = random.permutation(np.geomspace(0.1, 10.0, dim))
    mean = scale * random.normal(size=dim)
    F = np.linalg.qr(random.normal(size=(dim, rank)))[0] * np.linspace(0.6, 0.95, rank)
    F = F if sign < 0 else 10 * F
    precision = (np.eye(dim) + sign * F @ F.T) / np.outer(scale, scale)

    def log_joint(v):
        u = (v["x"] - mean) / scale
        return -0.5 * jnp.sum(u**2) - 0.5 * sign * jnp.sum((F.T @ u) ** 2)

    return log_joint, mean, np.linalg.inv(precision)


def member(dim: int = 12, rank: int = 3) -> Stretched:
    random = np.random.default_rng(1)
    V = np.linalg.qr(random.normal(size=(dim, rank)))[0]
    return Stretched(random.normal(size=dim), np.exp(random.normal(size=dim)), V, np.array([0.2, 3.0, 1.5])[:rank])


def test_host_and_family_are_one_gaussian():
    host = member()
    family = StretchedGaussian.of(*host)
    B = np.eye(12) + (host.directions * (host.stretch - 1)) @ host.directions.T
    covariance = host.scale[:, None] * (B @ B) * host.scale
    np.testing.assert_allclose(family.covariance, covariance, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(host.sd, np.sqrt(np.diag(covariance)), rtol=1e-12)
    np.testing.assert_allclose(family.variance, host.sd**2, rtol=2e-5)
    np.testing.assert_allclose(host.entropy, 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1], rtol=1e-12)
    np.testing.assert_allclose(family.entropy(), host.entropy, rtol=1e-5)
    z = np.random.default_rng(2).normal(size=(5, 12))
    np.testing.assert_allclose(host.back(host.turned(z)), z, atol=1e-12)
    np.testing.assert_allclose(family.log_prob(host.at(z)[0]), host.log_prob(z)[0], rtol=1e-4)
    again = Stretched.of(family)
    np.testing.assert_allclose(again.at(z), host.at(z), rtol=1e-4, atol=1e-4)


def test_residuals_vanish_at_the_target():
    log_joint, mean, covariance = factor_target(20, 2, 1.0)
    scale = 1 / np.sqrt(np.diag(np.linalg.inv(covariance)))
    density = density_of(log_joint, 20)
    w, v = np.linalg.eigh(covariance / np.outer(scale, scale))
    exact = Stretched(mean, scale, v, np.sqrt(w))  # every direction is one: no approximation
    seen = residuals(density, exact, np.random.default_rng(0).normal(size=(8, 20)))
    assert seen.promise < 1e-16
    assert seen.error < 1e-9
    off = exact._replace(stretch=exact.stretch * 1.5)
    seen = residuals(density, off, np.random.default_rng(0).normal(size=(64, 20)))
    assert seen.promise > 1
    np.testing.assert_allclose(refitted(off, seen, 1.0).sd, exact.sd, rtol=1e-8)


def test_directions_that_bring_nothing_are_left_out():
    q = member()._replace(stretch=np.array([1.0001, 3.0, 0.2]))
    assert pruned(q, 10).stretch.tolist() == [0.2, 3.0] or pruned(q, 10).stretch.tolist() == [3.0, 0.2]
    assert pruned(q, 1).stretch.size == 1


@pytest.mark.parametrize(
    ("dim", "rank", "sign"),
    [(60, 3, 1.0), (60, 3, -1.0), (300, 8, 1.0), (60, 0, 1.0)],
    ids=["narrow directions", "wide directions", "many", "independent"],
)
def test_exact_on_a_gaussian_of_its_form(dim, rank, sign):
    log_joint, mean, covariance = factor_target(dim, rank, sign)
    model = LogDensity(log_joint, parameters={"x": real(dim)})
    fit = taut.fit(model, algorithm=LowRankRegression(), seed=3)
    q = Stretched.of(fit.posterior)
    sd = np.sqrt(np.diag(covariance))
    assert np.max(np.abs(q.mean - mean) / sd) < 5e-3
    units = np.outer(sd, sd)
    np.testing.assert_allclose(np.asarray(fit.posterior.covariance) / units, covariance / units, atol=5e-4)
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.answer == "good"


def test_agrees_with_full_rank_where_both_can_be_had():
    """A logistic regression: not Gaussian, correlated columns."""
    random = np.random.default_rng(5)
    X = random.normal(size=(200, 40)) @ (np.eye(40) + 0.3 * random.normal(size=(40, 40)) / np.sqrt(40))
    y = (random.random(200) < 1 / (1 + np.exp(-X @ random.normal(scale=0.3, size=40)))).astype(float)

    def log_joint(v):
        eta = X @ v["x"]
        return jnp.sum(y * eta - jnp.logaddexp(0.0, eta)) - 0.5 * jnp.sum(v["x"] ** 2)

    model = LogDensity(log_joint, parameters={"x": real(40)})
    low = taut.fit(model, algorithm=LowRankRegression(), seed=1)
    full = taut.fit(model, algorithm=ScoreRegression(), seed=1)
    sd = np.sqrt(np.asarray(full.posterior.variance))
    assert np.max(np.abs(np.asarray(low.posterior.mean) - np.asarray(full.posterior.mean)) / sd) < 0.08
    np.testing.assert_allclose(np.sqrt(np.asarray(low.posterior.variance)) / sd, 1, atol=0.08)
    assert low.verdict.converged.answer == "yes"


def test_a_target_of_another_form_is_not_trusted():
    """An autoregression: sds of a diagonal and few directions are too small."""

    def log_joint(v):
        x = v["x"]
        return -0.5 * x[0] ** 2 - 0.5 * jnp.sum((x[1:] - 0.95 * x[:-1]) ** 2) / (1 - 0.95**2)

    model = LogDensity(log_joint, parameters={"x": real(60)})
    fit = taut.fit(model, algorithm=LowRankRegression(rank=2), seed=0)
    assert np.sqrt(np.asarray(fit.posterior.variance)).min() < 0.9
    assert not fit.verdict.trust.reliable


def test_it_is_the_default_above_a_thousand_unknowns():
    mean = np.linspace(-3, 3, 1500)
    sd = np.geomspace(0.01, 100, 1500)
    model = LogDensity(lambda v: -0.5 * jnp.sum(((v["x"] - mean) / sd) ** 2), parameters={"x": real(1500)})
    fit = taut.fit(model, seed=0)
    assert fit.algorithm.name == "low-rank score regression"
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.answer == "good"
    table = fit.summary()
    assert np.max(np.abs(np.array(table["mean"]) - mean) / sd) < 0.01
    np.testing.assert_allclose(np.array(table["sd"]) / sd, 1, atol=0.01)
    assert fit.cost.stages["learning"].gradients < 5000


def test_bad_settings_are_refused():
    for bad in ({"steps": 1}, {"error": 0.0}, {"rank": -1}):
        with pytest.raises(ArgumentError):
            LowRankRegression(**bad)
    model = LogDensity(lambda v: -0.5 * jnp.sum(v["x"] ** 2), parameters={"x": real(3)})
    with pytest.raises(PairingError, match="stretched"):
        taut.fit(model, family="full-rank", algorithm=LowRankRegression())
