"""The regularised horseshoe: its density, its coefficients, and what a fit with it says."""

import jax
import numpy as np
import polars as pl
import pytest
from scipy.stats import halfcauchy, invgamma, norm

import taut
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.models import Horseshoe, Regression


@pytest.fixture(scope="module")
def fit():
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 4))
    y = 3 * (X @ [2.0, 0.0, 0.0, 0.0] + random.normal(size=80)) + 10
    model = Regression(likelihood="gaussian", prior=Horseshoe(scale=0.2, slab=1.5, df=3))
    return taut.fit(model, (X, y), fallbacks=False, progress=False)


def test_the_density_is_that_of_its_parts(fit):
    prior, s = fit.model.prior, fit.model.spread
    z = np.random.default_rng(1).normal(size=(5, prior.dim))  # intercept, 4 z, log sigma, 4 log lambda, log tau, log c2
    own, scales = np.exp(z[:, 5]), np.exp(z[:, 6:])
    stated = prior.coefficients[0]
    expected = norm.logpdf(z[:, 0], stated.number("loc"), stated.number("scale")) + norm.logpdf(z[:, 1:5]).sum(1)
    expected += norm.logpdf(own, 0, s) + np.log(2) + z[:, 5]
    expected += (halfcauchy.logpdf(scales[:, :4]) + z[:, 6:10]).sum(1)
    expected += halfcauchy.logpdf(scales[:, 4], scale=0.2 * s) + z[:, 10]
    expected += invgamma.logpdf(scales[:, 5], 1.5, scale=1.5 * (1.5 * s) ** 2) + z[:, 11]
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.vmap(prior.log_prob)(z), expected, rtol=1e-10)
        on_device = np.asarray(jax.vmap(lambda one: prior.parts(one).beta)(z))
    size = scales[:, 4:5] * scales[:, :4] / np.sqrt(1 + (scales[:, 4:5] * scales[:, :4]) ** 2 / scales[:, 5:])
    for beta in (on_device, prior.parts(z).beta):
        np.testing.assert_allclose(beta, np.column_stack([z[:, 0], z[:, 1:5] * size]), rtol=1e-10)


def test_draws_have_the_scales_of_the_prior(fit):
    prior, s = fit.model.prior, fit.model.spread
    z = np.asarray(prior.draw(jax.random.key(0), (20_000, prior.dim)), float)
    ends = [(6, 0.0), (10, np.log(0.2 * s)), (11, np.log(invgamma.median(1.5, scale=1.5 * (1.5 * s) ** 2)))]
    for place, median in ends:
        assert abs(np.mean(z[:, place] < median) - 0.5) < 0.02


def test_a_fit_shrinks_what_says_nothing_and_goes_by_score_regression(fit, tmp_path):
    assert Capability.GAUSSIAN_GIVEN_SCALES not in fit.model.offers
    assert fit.algorithm.name == "score regression"
    table = fit.summary()
    free = taut.fit(Regression(likelihood="gaussian"), (fit.data["X"][:, 1:], fit.data["y"]), progress=False).summary()
    assert table["mean"][1] == pytest.approx(6, abs=1.5)
    assert np.all(np.abs(table["mean_standardised"][2:].to_numpy()) < np.abs(free["mean"][2:].to_numpy()) + 1e-3)
    assert fit.variances()["name"].to_list() == ["sigma", "horseshoe scale"]
    fit.save(tmp_path / "fit")
    again = taut.load(tmp_path / "fit")
    assert again.model.prior.horseshoe == Horseshoe(scale=0.2, slab=1.5, df=3)
    np.testing.assert_allclose(again.summary()["mean"], table["mean"], rtol=1e-9)


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"slab": -1.0}, {"df": np.inf}, {"scale": "wide"}])
def test_numbers_that_are_refused(wrong):
    with pytest.raises(ArgumentError, match="a positive, finite number is needed"):
        Horseshoe(**wrong)


def test_it_needs_coefficients():
    with pytest.raises(ArgumentError, match="only an intercept"):
        taut.fit(Regression("y ~ 1", "poisson", Horseshoe()), pl.DataFrame({"y": [1, 2, 3, 5]}), progress=False)
