"""Posterior predictive checks: quiet where the model is right, and not where it is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from taut.diagnostics.predictive import replicated
from taut.diagnostics.predictive.checks import CHECKS, predictive_checks
from taut.diagnostics.predictive.replicated import over_draws, replicate
from taut.diagnostics.predictive.residuals import quantile_residuals
from taut.models.likelihoods import REGRESSIONS, SHELF, Bernoulli, Gaussian, NegativeBinomial, Ordinal
from tests.helpers.likelihoods import TWINS

KINDS = {kind.name: kind for kind in REGRESSIONS.values()}


def made(name):
    special = {"ordinal": lambda kind: kind(4), "multinomial": lambda kind: kind(3)}
    return special.get(name, lambda kind: kind())(KINDS[name])


def drawn(likelihood, n=300, draws=200, seed=0, scale=0.5):
    """Predictors at draws that hardly differ, and data of them."""
    rng = np.random.default_rng(seed)
    shape = (n, likelihood.outputs) if likelihood.outputs > 1 else (n,)
    eta = scale * rng.standard_normal(shape)
    known = jnp.asarray(rng.integers(1, 20, n), float) if likelihood.name == "binomial" else None
    y = likelihood.observed(likelihood.sample(jax.random.key(seed), jnp.asarray(eta), known), known)
    values = {k: np.repeat(np.asarray(v)[None], draws, 0) for k, v in likelihood.values.items()}
    return eta + 1e-3 * rng.standard_normal((draws, *shape)), values, jax.tree.map(np.asarray, y)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_right_model_passes_all_of_its_checks(name):
    likelihood = made(name)
    eta, values, y = drawn(likelihood)
    found = predictive_checks(replicate(likelihood, values, eta, y))
    assert tuple(found) == likelihood.checks
    for kind, check in found.items():
        assert check.kind == kind
        sizes = {len(x) for x in (check.at, check.observed, check.expected, check.lower, check.upper, check.outside)}
        assert len(sizes) == 1
        assert check.outside.mean() <= 0.4, (kind, check)
        assert "not " not in check.sentence.lower(), check.sentence
        assert "outside" not in check.sentence


@pytest.mark.parametrize("kind", SHELF)
def test_every_check_that_is_named_exists(kind):
    assert set(kind.checks) <= set(CHECKS)


WRONG = {
    "poisson": ("negative-binomial", {"phi": 0.5}, {"bars", "residuals", "statistics"}),
    "gaussian": ("student-t", {"nu": 1.0, "sigma": 1.0}, {"quantiles", "residuals", "statistics"}),
    "exponential": ("weibull", {"shape": 3.0}, {"residuals"}),
    "gamma": ("gamma", {"shape": 0.3}, {"residuals", "quantiles"}),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_model_is_found(name):
    other, parameters, caught = WRONG[name]
    eta, _, y = drawn(made(other).with_parameters({k: np.asarray(v) for k, v in parameters.items()}))
    likelihood = made(name)
    values = {k: np.repeat(np.asarray(v)[None], len(eta), 0) for k, v in likelihood.values.items()}
    found = predictive_checks(replicate(likelihood, values, eta, y))
    wrong = {kind for kind, check in found.items() if "not " in check.sentence.lower() or "outside" in check.sentence}
    assert caught <= wrong | {"quantiles"}
    assert wrong


@pytest.mark.parametrize("name", ["bernoulli", "binomial"])
def test_wrong_probabilities_are_found(name):
    likelihood = made(name)
    eta, values, y = drawn(likelihood, n=2000, scale=1.5)
    found = predictive_checks(replicate(likelihood, values, 0.4 * eta, y))["calibration"]
    assert "not the observed shares" in found.sentence


def test_statistics_are_those_of_the_data():
    likelihood = made("poisson")
    eta, values, y = drawn(likelihood)
    found = predictive_checks(replicate(likelihood, values, eta, y))["statistics"]
    seen = dict(zip(found.at, found.observed, strict=True))
    assert seen["mean"] == pytest.approx(y.mean())
    assert seen["share of zeros"] == pytest.approx((y == 0).mean())
    assert ((found.more["p_value"] > 0) & (found.more["p_value"] < 1)).all()


def test_bars_count_every_row():
    likelihood = made("poisson")
    eta, values, y = drawn(likelihood, scale=3.0)
    found = predictive_checks(replicate(likelihood, values, eta, y))["bars"]
    assert found.observed.sum() == len(y)
    assert found.expected.sum() == pytest.approx(len(y))
    assert len(found.at) <= 30


@pytest.mark.parametrize("name", ["gaussian", "poisson", "weibull", "binomial"])
def test_residuals_are_normal_quantiles_of_the_distribution_function(name):
    likelihood = made(name)
    eta, values, y = drawn(likelihood, draws=1)
    data = replicate(likelihood, values, eta, y)
    found = stats.norm.cdf(quantile_residuals(data))
    first = y[0] if isinstance(y, tuple) else y
    twin = TWINS[name].distribution(eta[0], y, {k: v[0] for k, v in values.items()})
    at = twin.cdf(first)
    below = twin.cdf(first - 1) if likelihood.discrete else at
    assert (found <= at + 1e-6).all()
    assert (found >= below - 1e-6).all()
    assert np.array_equal(quantile_residuals(data), quantile_residuals(data))


def test_a_censored_time_is_somewhere_above():
    likelihood = made("weibull")
    rng = np.random.default_rng(0)
    eta = np.zeros((50, 1000))
    time = np.asarray(likelihood.sample(jax.random.key(0), jnp.zeros(1000)))
    end = rng.exponential(1.0, 1000)
    y = (np.minimum(time, end), (time <= end) * 1.0)
    values = {k: np.repeat(np.asarray(v)[None], 50, 0) for k, v in likelihood.values.items()}
    found = predictive_checks(replicate(likelihood, values, eta, y))["residuals"]
    assert "agree" in found.sentence


def hierarchy(seed, groups=60, each=3):
    """Rows of few a group, N(mu_g, 1) with mu_g ~ N(0, 2): exact draws of the posterior, and exact residuals."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 2, (groups, 1)) + rng.normal(0, 1, (groups, each))
    v = 1 / (1 / 4 + each)
    mu = v * y.sum(1) + np.sqrt(v) * rng.standard_normal((2000, groups))
    left = 1 / (1 / 4 + each - 1)
    exact = (y - left * (y.sum(1, keepdims=True) - y)) / np.sqrt(1 + left)
    return np.repeat(mu, each, axis=1), y.ravel(), exact.ravel()


def test_residuals_are_those_of_rows_left_out():
    with jax.enable_x64(True):
        eta, y, exact = hierarchy(0)
        likelihood = made("gaussian")
        data = replicate(likelihood, {"sigma": np.ones(len(eta))}, eta, y)
        found = quantile_residuals(data)
    assert np.mean(np.abs(found - exact)) < 0.03
    assert np.max(np.abs(found - exact)) < 0.4
    inside = (y - eta.mean(0)) / np.sqrt(1 + 1 / (1 / 4 + 3))
    assert inside.std() < 0.8 < 0.9 < found.std() < 1.1


def test_a_right_model_of_many_small_groups_is_not_doubted():
    doubted = 0
    with jax.enable_x64(True):
        for seed in range(6):
            eta, y, _ = hierarchy(seed, groups=200)
            data = replicate(made("gaussian"), {"sigma": np.ones(400)}, eta[:400], y)
            doubted += "not normal" in CHECKS["residuals"](data).sentence
    assert doubted == 0  # all six were, of rows that were not left out


@pytest.mark.parametrize("most", [np.inf, 0.0])
def test_functions_of_draws_are_the_same_by_numpy_and_compiled(monkeypatch, most):
    monkeypatch.setattr(replicated, "MOST_WORK", most)
    rng = np.random.default_rng(0)
    eta, sigma = rng.normal(size=(5, 7)), rng.uniform(0.5, 2, 5)
    y = rng.normal(size=7)
    found = over_draws(Gaussian(), {"sigma": sigma}, eta, lambda at, eta: (at.log_prob(eta, y), None))
    np.testing.assert_allclose(found[0], stats.norm.logpdf(y, eta, sigma[:, None]), rtol=1e-5)
    assert found[1] is None


@pytest.mark.parametrize(
    ("likelihood", "values"),
    [
        (Gaussian(), {"sigma": np.array([0.1, 1.0, 10.0])}),
        (NegativeBinomial(), {"phi": np.array([0.2, 2.0, 50.0])}),
        (Ordinal(3), {"threshold": np.array([[-2.0, 2.0], [0.0, 0.1], [-3.0, -2.9]])}),
        (Bernoulli(), {}),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_each_draw_is_replicated_with_its_own_values(likelihood, values):
    y, eta = np.zeros(20_000), np.array([[-0.5], [0.3], [1.0]]) + np.zeros(20_000)
    rows = replicate(likelihood, values, eta, y).rows
    for s in range(3):
        alone = likelihood.with_parameters({name: value[s] for name, value in values.items()}) if values else likelihood
        at = np.unique(rows[s])[:3]
        share = alone.cdf(np.full(len(at), eta[s, 0]), at)
        np.testing.assert_allclose((rows[s][:, None] <= at).mean(0), share, atol=0.015)
