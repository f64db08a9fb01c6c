"""Log densities: two forms of one model, fits with known answers, a network's weights, and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.errors import ArgumentError, DataError
from taut.models import LogDensity, positive, real

rng = np.random.default_rng(6)
X = rng.normal(size=(12, 2))
Y = X @ np.array([1.0, -0.5]) + 0.3 * rng.normal(size=12)


def log_likelihood(values, rows):
    x, y = rows
    return -0.5 * ((y - x @ values["w"]) / values["sd"]) ** 2 - jnp.log(values["sd"])


def log_prior(values):
    return -0.5 * jnp.sum(values["w"] ** 2) - 2 * values["sd"]


SUPPORTS = {"w": real(2), "sd": positive()}
BY_ROWS = LogDensity(parameters=SUPPORTS, log_likelihood=log_likelihood, log_prior=log_prior)
JOINT = LogDensity(lambda v: jnp.sum(log_likelihood(v, (X, Y))) + log_prior(v), parameters=SUPPORTS)


@pytest.mark.usefixtures("x64")
def test_the_two_forms_are_one_density():
    @jax.jit
    def both(z):
        joint = jnp.sum(JOINT.log_likelihood(z, None)) + JOINT.prior.log_prob(z)
        return joint, jnp.sum(BY_ROWS.log_likelihood(z, (X, Y))) + BY_ROWS.prior.log_prob(z)

    for z in (np.zeros(3), np.array([0.4, 1.0, -0.3])):
        joint, rows = both(z)
        np.testing.assert_allclose(joint, rows, rtol=1e-13)
        sd, w = np.exp(z[0]), z[1:]  # alphabetical: sd, then w
        by_hand = -0.5 * np.sum(((Y - X @ w) / sd) ** 2) - 12 * z[0] - 0.5 * w @ w - 2 * sd + z[0]
        np.testing.assert_allclose(joint, by_hand, rtol=1e-12)


@pytest.fixture(scope="module")
def fits():
    gradient = taut.gradients.Reparametrization(samples=5)
    return [
        taut.fit(model, data, gradient=gradient, family="full-rank", steps=1500)
        for model, data in ((JOINT, None), (BY_ROWS, (X, Y)))
    ]


def test_the_two_forms_are_fitted_alike(fits):
    joint, rows = fits
    # One seed, one noise: the same steps but for rounding; 0.05 sd is far less than another seed would make.
    sd = np.sqrt(np.asarray(joint.posterior.variance))
    assert np.all(np.abs(joint.posterior.mean - rows.posterior.mean) < 0.05 * sd)
    # The split of the ELBO differs (a joint density's prior is inside), the bound does not. 5 standard errors of both:
    # one seed in a million fails.
    error = np.hypot(joint.bound.standard_error, rows.bound.standard_error)
    assert abs(joint.elbo - rows.elbo) < 5 * error


def test_draws_are_named_shaped_and_constrained(fits):
    draws = fits[1].sample(50)
    assert {name: x.shape for name, x in draws.items()} == {"w": (50, 2), "sd": (50,)}
    assert np.all(draws["sd"] > 0)
    assert fits[1].summary()["name"].to_list() == ["w[0]", "w[1]", "sd"]


def test_a_normal_with_mean_eight():
    model = LogDensity(lambda v: -0.5 * ((v["mu"] - 8.0) / 0.5) ** 2, parameters={"mu": real()})
    fit = taut.fit(model, gradient=taut.gradients.Reparametrization(samples=200), steps=3000)
    # The average keeps about the last ninth of the run: 333 steps of 200 draws leave an error of 0.004 sd, so that
    # 0.01 sd is 2.6 standard errors, which one seed in a hundred fails; the seed is fixed.
    np.testing.assert_allclose(fit.posterior.mean, 8.0, atol=0.01 * 0.5)
    np.testing.assert_allclose(np.sqrt(np.asarray(fit.posterior.variance)), 0.5, rtol=0.01)
    # Unnormalised: the ELBO is the log of the integral. 5 standard errors: one seed in two million fails.
    assert 0 < fit.bound.standard_error < 0.05
    assert abs(fit.elbo - np.log(0.5 * np.sqrt(2 * np.pi))) < 5 * fit.bound.standard_error


@pytest.mark.slow
def test_a_networks_weights_are_an_unknown_like_any_other():
    start = {"in": rng.normal(size=(2, 3)) / 2, "bias": np.zeros(3), "out": rng.normal(size=3) / 2, "link": jnp.tanh}

    def network(values, rows):
        x, y = rows
        hidden = values["link"](x @ values["in"] + values["bias"])
        return -0.5 * ((y - hidden @ values["out"]) / 0.3) ** 2

    def prior(values):
        return -0.5 * sum(jnp.sum(values[name] ** 2) for name in ("in", "bias", "out"))

    model = LogDensity(parameters=start, log_likelihood=network, log_prior=prior)
    assert model.dim((X, Y)) == 12
    fit = taut.fit(model, (X, Y), family="mean-field", batch_size=6, steps=600)
    draws = fit.sample(200)
    assert draws["link"] is jnp.tanh
    weights, bias, out = draws["in"], draws["bias"], draws["out"]
    assert (weights.shape, bias.shape, out.shape) == ((200, 2, 3), (200, 3), (200, 3))
    predicted = np.einsum("krh,kh->r", np.tanh(np.einsum("rc,kch->krh", X, weights) + bias[:, None]), out) / 200
    assert np.mean((predicted - Y) ** 2) < 0.25 * np.var(Y)
    assert np.mean(fit.history["elbo"][-100:]) > np.mean(fit.history["elbo"][:10]) + 10
    assert fit.summary()["name"].to_list()[:4] == ["in[0, 0]", "in[0, 1]", "in[0, 2]", "in[1, 0]"]


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: LogDensity(parameters=SUPPORTS), "either"),
        (lambda: LogDensity(log_prior, parameters=SUPPORTS, log_likelihood=log_likelihood), "either"),
        (lambda: LogDensity(parameters=SUPPORTS, log_likelihood=log_likelihood), "together"),
        (lambda: LogDensity(log_prior, parameters=SUPPORTS, log_prior=log_prior), "together"),
        (lambda: LogDensity(3.0, parameters=SUPPORTS), "not a function"),
        (lambda: LogDensity(log_prior, parameters={"w": "real"}), "is a text"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()


@pytest.mark.parametrize(
    ("model", "data", "word"),
    [
        (BY_ROWS, None, "needs data"),
        (JOINT, (X, Y), "inside"),
        (BY_ROWS, (X, Y[:5]), "same"),
        (BY_ROWS, (X, np.where(np.arange(12) == 4, np.nan, Y)), "row 4"),
        (BY_ROWS, (X, np.where(np.arange(12) == 4, np.inf, Y)), "row 4"),
        (BY_ROWS, (X[:0], Y[:0]), "positive"),
    ],
)
def test_data_that_do_not_fit_the_form_are_refused(model, data, word):
    with pytest.raises(DataError, match=word):
        taut.fit(model, data)


def test_a_log_density_has_no_prediction_of_its_own(fits):
    with pytest.raises(ArgumentError, match="fit.sample"):
        fits[0].predict(X)
