"""Density, mean, sd, distribution function, quantiles and draws of every likelihood, against SciPy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, softmax

from taut.models.likelihoods import Bernoulli, Categorical, ContinuousBernoulli, Multinomial, Ordinal

from ...helpers.likelihoods import TWINS, stacked

pytestmark = pytest.mark.usefixtures("x64")
ETAS = np.array([-2.5, -0.4, 0.0, 1.3, 3.0])
CASES = [(n, values) for n, twin in TWINS.items() if twin.distribution for values in twin.values]
COUNTS = ("bernoulli", "binomial", "poisson", "negative-binomial")
SURVIVAL = ("exponential", "weibull")
DRAWS = 20_000
PROBABILITIES = np.array([1e-6, 0.025, 0.3, 0.5, 0.9, 0.999])


def pairs(name):
    """Predictors with observations, each with each; of survival times those whose event was seen."""
    ys = [y for y in TWINS[name].ys if name not in SURVIVAL or y[1] == 1]
    return np.repeat(ETAS, len(ys)), stacked(ys * len(ETAS))


def outcome(name, y):
    """The random part of y."""
    return y[0] if len(TWINS[name].make.parts) == 2 else y


@pytest.mark.parametrize(("name", "values"), CASES, ids=str)
def test_the_density_is_scipys(name, values):
    twin, (eta, y) = TWINS[name], pairs(name)
    exact = twin.distribution(eta, y, values)
    log_p = exact.logpmf(outcome(name, y)) if name in COUNTS else exact.logpdf(outcome(name, y))
    found = twin.make.with_parameters(values).log_prob(eta, y)
    np.testing.assert_allclose(found, log_p, rtol=1e-8, atol=2e-6 if values.get("phi", 0) > 1e5 else 1e-9)


@pytest.mark.parametrize("name", SURVIVAL)
def test_a_censored_time_counts_by_what_survives_it(name):
    twin = TWINS[name]
    values, time = twin.values[-1], np.array([0.01, 3.0, 20.0, 1.0, 0.0])
    found = twin.make.with_parameters(values).log_prob(ETAS, (time, np.zeros(5)))
    np.testing.assert_allclose(found, twin.distribution(ETAS, None, values).logsf(time), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "values"), CASES, ids=str)
def test_mean_and_sd_are_scipys(name, values):
    twin, (eta, y) = TWINS[name], pairs(name)
    likelihood = twin.make.with_parameters(values)
    known, exact = likelihood.known(y), twin.distribution(eta, y, values)
    mean = np.broadcast_to(exact.mean(), eta.shape)
    defined = np.isfinite(mean)  # Student's location stands for the mean that it lacks up to one degree of freedom
    np.testing.assert_allclose(np.asarray(likelihood.mean(eta, known))[defined], mean[defined], rtol=1e-9)
    sd = np.broadcast_to(exact.std(), eta.shape)
    finite = np.isfinite(sd)
    np.testing.assert_allclose(np.asarray(likelihood.sd(eta, known))[finite], sd[finite], rtol=1e-9)


@pytest.mark.parametrize(("name", "values"), CASES, ids=str)
def test_distribution_function_and_quantiles_are_scipys(name, values):
    twin, (eta, y) = TWINS[name], pairs(name)
    likelihood = twin.make.with_parameters(values)
    exact = twin.distribution(eta, y, values)
    np.testing.assert_allclose(likelihood.cdf(eta, y), exact.cdf(outcome(name, y)), rtol=1e-8, atol=1e-12)
    eta, y = eta[:: len(eta) // 5][:5], jax.tree.map(lambda x: x[:1], y)
    exact, known = twin.distribution(eta[:, None], y, values), likelihood.known(y)
    p = np.broadcast_to(PROBABILITIES, (len(eta), len(PROBABILITIES)))
    found = likelihood.quantile(eta[:, None], p, known)
    if name in COUNTS:
        assert np.array_equal(found, exact.ppf(p))
    else:
        np.testing.assert_allclose(found, exact.ppf(p), rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("name", list(TWINS))
def test_draws_have_the_mean_and_the_distribution_function(name):
    twin = TWINS[name]
    values = {"student-t": {"nu": 8.0, "sigma": 2.0}, "beta": {"precision": 2.0}}.get(name, twin.values[-1])
    values = {"phi": 1.0} if name == "negative-binomial" else values
    likelihood, eta = twin.make.with_parameters(values), np.array([-1.0, 1.2])
    known = likelihood.known(stacked([twin.ys[-1]] * 2))
    drawn = np.asarray(eqx.filter_jit(likelihood.sample)(jax.random.key(0), jnp.broadcast_to(eta, (DRAWS, 2)), known))
    error = np.asarray(likelihood.sd(eta, known)) / np.sqrt(DRAWS)
    # Two means and six probabilities, each within 4.5 standard errors: a false failure once in 20,000 seeds.
    assert np.all(np.abs(drawn.mean(0) - likelihood.mean(eta, known)) < 4.5 * error)
    for at in np.quantile(drawn, [0.2, 0.5, 0.9], axis=0):
        share = (drawn <= at).mean(0)
        y = likelihood.observed(at, known)
        assert np.all(np.abs(share - likelihood.cdf(eta, y)) <= 4.5 * 0.5 / np.sqrt(DRAWS))
    log_p = eqx.filter_jit(likelihood.log_prob)(jnp.broadcast_to(eta, drawn.shape), likelihood.observed(drawn, known))
    assert np.all(np.isfinite(log_p))


@pytest.mark.parametrize("thresholds", [v["threshold"] for v in TWINS["ordinal"].values], ids=str)
def test_ordered_levels_have_the_differences_of_sigmoids(thresholds):
    likelihood = Ordinal(thresholds=thresholds)
    below = np.concatenate([np.zeros((5, 1)), expit(thresholds - ETAS[:, None]), np.ones((5, 1))], axis=1)
    p = np.diff(below, axis=1)
    np.testing.assert_allclose(likelihood.probabilities(jnp.asarray(ETAS)), p, rtol=1e-7, atol=1e-12)
    mean = p @ np.arange(5)
    np.testing.assert_allclose(likelihood.mean(ETAS), mean, rtol=1e-9)
    np.testing.assert_allclose(likelihood.sd(ETAS), np.sqrt(p @ np.arange(5) ** 2 - mean**2), rtol=1e-6, atol=1e-12)
    for k in range(-1, 6):
        np.testing.assert_allclose(likelihood.cdf(ETAS, np.full(5, k)), below[:, min(k + 1, 5)], atol=1e-15)
    for q in (0.01, 0.4, 0.99):
        exact = [np.searchsorted(row[1:], q) for row in below]
        assert likelihood.quantile(ETAS, np.full(5, q)).tolist() == exact


def test_the_tails_of_ordered_levels_do_not_cancel():
    likelihood = Ordinal(thresholds=[0.0, 1.0])
    # log(sigmoid(1 - eta) - sigmoid(-eta)) ~ log(e - 1) - eta far out.
    found = likelihood.log_prob(np.array([40.0, 300.0]), np.array([1.0, 1.0]))
    np.testing.assert_allclose(found, np.log(np.e - 1) - np.array([40.0, 300.0]), rtol=1e-12)


@pytest.mark.parametrize("kind", [Multinomial, Categorical])
def test_levels_have_softmax_probabilities(kind):
    likelihood = kind(4)
    eta = np.random.default_rng(0).normal(size=(6, likelihood.outputs))
    logits = np.concatenate([np.zeros((6, 4 - likelihood.outputs)), eta], axis=1)
    p = softmax(logits, axis=1)
    for k in range(4):
        np.testing.assert_allclose(likelihood.log_prob(eta, np.full(6, float(k))), np.log(p[:, k]), rtol=1e-10)
        np.testing.assert_allclose(likelihood.cdf(eta, np.full(6, k)), p[:, : k + 1].sum(1), rtol=1e-10)
    np.testing.assert_allclose(likelihood.mean(jnp.asarray(eta)), p @ np.arange(4), rtol=1e-10)
    draws = np.asarray(likelihood.sample(jax.random.key(1), jnp.broadcast_to(eta[0], (DRAWS, likelihood.outputs))))
    shares = np.bincount(draws.astype(int), minlength=4) / DRAWS
    assert np.all(np.abs(shares - p[0]) < 4.5 * np.sqrt(p[0] * (1 - p[0]) / DRAWS))


def test_continuous_bernoulli_is_normalised_with_its_mean_and_sd():
    y = (np.arange(2000) + 0.5) / 2000
    eta = np.array([-30.0, -3.0, -0.05, 0.0, 0.09, 0.11, 5.0])[:, None]
    likelihood = ContinuousBernoulli()
    p = np.exp(np.asarray(likelihood.log_prob(eta, y))) / 2000
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-4)
    mean = (p @ y) / p.sum(1)
    np.testing.assert_allclose(likelihood.mean(eta[:, 0]), mean, rtol=1e-4)
    np.testing.assert_allclose(likelihood.sd(eta[:, 0]), np.sqrt((p @ y**2) / p.sum(1) - mean**2), rtol=2e-3)


def test_certain_predictors_stay_finite():
    for eta in (-1e4, 1e4):
        value, slope = jax.value_and_grad(lambda e: Bernoulli().log_prob(e, 1.0))(eta)
        assert value == min(eta, 0.0)
        assert slope == float(eta < 0)
    beta = TWINS["beta"].make
    log_p = jax.jit(beta.log_prob)
    assert np.all(np.isfinite(log_p(np.array([-600.0, 600.0]), np.array([0.5, 0.5]))))
    assert np.all(np.isfinite(log_p(np.array([-95.0, 95.0], "float32"), np.array([0.5, 0.5], "float32"))))


def test_negative_binomial_goes_to_poisson_as_phi_grows():
    y = np.array([0.0, 3.0, 50.0])
    found = TWINS["negative-binomial"].make.with_parameters({"phi": 1e12}).log_prob(np.ones(3), y)
    np.testing.assert_allclose(found, stats.poisson.logpmf(y, np.e), rtol=1e-8)


@pytest.mark.parametrize("likelihood", [Categorical(4), Multinomial(4), Categorical(2)], ids=lambda x: x.name)
def test_levels_at_uniform_numbers_have_their_probabilities(likelihood):
    eta = np.random.default_rng(0).normal(size=(3, 1, likelihood.outputs))
    found = likelihood.quantile(eta, (np.arange(1000) + 0.5) / 1000)
    exact = np.asarray(likelihood.probabilities(jnp.asarray(eta)))[:, 0]
    for level in range(likelihood.levels):
        np.testing.assert_allclose(np.mean(found == level, axis=1), exact[:, level], atol=1.1e-3)
