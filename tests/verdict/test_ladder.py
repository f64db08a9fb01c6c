"""The ladder of fallbacks: what each step costs, that seeds do not decide which are climbed, and when it ends."""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.diagnostics.elbo import Bound
from taut.families.full_rank import FullRank
from taut.models import LogDensity, positive, real
from taut.models.density import Density
from taut.verdict.best import BestSoFar, differ, half_variance
from taut.verdict.convergence import certified
from taut.verdict.judge import Judgement
from taut.verdict.trust import Trust
from taut.verdict.verdict import Verdict

NO_ROWS = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))


@pytest.fixture
def gradients(monkeypatch):
    """Counts the points at which gradients were computed, as `counted["gradients"]`."""
    counted, alone = {"gradients": 0}, []
    call, values = Density.__call__, Density.values

    def counted_call(self, z):
        counted["gradients"] += 0 if alone else len(z)
        return call(self, z)

    def counted_values(self, z):
        alone.append(True)
        try:
            return values(self, z)
        finally:
            alone.pop()

    monkeypatch.setattr(Density, "__call__", counted_call)
    monkeypatch.setattr(Density, "values", counted_values)
    return counted


POSITIVE = {
    "exponential": (lambda v: -v["x"], 1.0, 1.0, 2000),
    "half-normal": (lambda v: -0.5 * v["x"] ** 2, np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi), 4000),
}


@pytest.mark.parametrize("name", POSITIVE)
def test_one_positive_unknown_is_exact_for_little(name, gradients):
    log_joint, mean, sd, most = POSITIVE[name]
    fit = taut.fit(LogDensity(log_joint, parameters={"x": positive()}))
    table = fit.summary()
    assert fit.verdict.trust.answer == "good"
    assert fit.posterior.name == "bent coordinates"
    assert table["mean"][0] == pytest.approx(mean, abs=0.001)
    assert table["sd"][0] == pytest.approx(sd, rel=0.005)
    assert gradients["gradients"] <= most


def student_t(v):
    return -0.5 * (5 + 5) * jnp.log1p(jnp.sum((v["x"] - 1.0) ** 2) / 5)


Y, ERRORS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def schools(v):
    prior = -jnp.log1p((v["tau"] / 5) ** 2) - 0.5 * (v["mu"] / 5) ** 2 - 0.5 * jnp.sum(v["eta"] ** 2)
    return prior - 0.5 * jnp.sum(((Y - v["mu"] - v["tau"] * v["eta"]) / ERRORS) ** 2)


ROUTES = {
    "long tails": (student_t, {"x": real(5)}),
    "hierarchy": (schools, {"mu": real(), "tau": positive(), "eta": real(8)}),
    "one unknown": (lambda v: v["x"] - jnp.exp(v["x"]), {"x": real()}),
}


@pytest.mark.parametrize("name", ROUTES)
def test_the_seed_does_not_decide_what_is_climbed(name):
    log_joint, parameters = ROUTES[name]
    model = LogDensity(log_joint, parameters=parameters)
    fits = [taut.fit(model, seed=seed) for seed in range(5)]
    assert len({tuple(rung.partition(":")[0] for rung in fit.verdict.rungs) for fit in fits}) == 1
    assert all(fit.verdict.trust.reliable for fit in fits)


def test_the_half_variance_has_its_standard_error():
    # Of normal log-weights with variance s2 it is s2 / 2, with a standard error of s2 sqrt(2 / n) / 2.
    found, error = half_variance(0.3 * np.random.default_rng(0).normal(size=100_000))
    assert error == pytest.approx(0.045 * np.sqrt(2 / 100_000), rel=0.05)
    assert abs(found - 0.045) < 4 * error  # once in 16,000 runs; the seed is fixed
    assert half_variance(np.array([0.0, -np.inf])) == (np.inf, 0.0)


@pytest.mark.parametrize(("sd", "more"), [(1.0, False), (1.318, True), (1.6, False)])
def test_more_draws_are_taken_only_where_the_threshold_is_within_the_error(sd, more):
    """Under N(0, 1) log-weights of N(0, sd) are z^2 (1 - 1 / sd^2) / 2: half their variance is (1 - 1 / sd^2)^2 / 4."""
    half = (1 - 1 / sd**2) ** 2 / 4
    density = Density(
        LogDensity(lambda v: -0.5 * (v["x"] / sd) ** 2, parameters={"x": real()}), NO_ROWS, np.dtype(float)
    )
    family = FullRank.of(*Gaussian(np.zeros(1), np.eye(1)))
    z = np.random.default_rng(1).normal(size=(1000, 1))
    log_prob, log_q = -0.5 * (z[:, 0] / sd) ** 2, -0.5 * z[:, 0] ** 2
    verdict = Verdict(certified(True, 0.0, {}), Trust.unweighed("good", ""))
    judgement = Judgement(verdict, Bound(0.0, 0.0, 0.0, 0.0), z, np.full(1000, 1e-3), log_prob, log_q)
    answer = differ(family, judgement, density, 0)
    assert (density.evaluations > 0) == more
    if not more:
        assert answer == (half > 0.045)
    best = BestSoFar(family, judgement)
    assert best.settled(density, 0) == (not answer)
    assert best._replace(confirmed=True).settled(density, 0)


def test_beside_a_kink_the_bend_is_certified_by_its_own_steps():
    """Of independent double exponentials the first phase never arrives: no two sets of draws have the kink alike."""
    fit = taut.fit(LogDensity(lambda v: -jnp.sum(jnp.abs(v["x"])), parameters={"x": real(4)}))
    assert fit.verdict.converged.answer == "yes"
    assert fit.verdict.trust.reliable
    table = fit.summary()
    np.testing.assert_allclose(table["mean"], 0, atol=0.1)
    np.testing.assert_allclose(table["sd"], np.sqrt(2), rtol=0.06)
