"""Responses under the priors: against the moments that the priors say, and for every kind of response."""

import numpy as np
import polars as pl
import pytest
from numpyro.distributions import HalfNormal

import taut
from taut.errors import ArgumentError
from taut.models import Horseshoe, Normal, Regression

N = 24
RNG = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        "x": RNG.normal(5, 2, N),
        "g": [f"g{k % 4}" for k in range(N)],
        "number": RNG.normal(10, 3, N),
        "yes": ["no", "yes"] * (N // 2),
        "count": RNG.poisson(3, N),
        "cases": RNG.binomial(6, 0.5, N),
        "size": np.full(N, 6),
        "grade": np.arange(N) % 3 + 1,
        "kind": ["a", "b", "c"] * (N // 3),
        "time": RNG.exponential(1, N) + 0.01,
        "event": np.arange(N) % 2,
    }
)


def test_a_gaussian_one_has_the_moments_that_the_priors_say():
    model = Regression(
        "number ~ x + (1 | g)",
        prior={"Intercept": Normal(7, 2), "x": Normal(1, 3), "g": HalfNormal(1.5), "sigma": HalfNormal(0.5)},
    )
    found = taut.prior_predictive(model, TABLE, draws=4000, seed=1)
    drawn = found["number"].to_numpy().reshape(4000, N)
    x = (TABLE["x"].to_numpy() - TABLE["x"].mean()) / TABLE["x"].to_numpy().std()
    assert found["draw"].to_list()[:: 4000 * N - 1] == [1, 4000]
    assert found["row"].to_list()[:N] == list(range(1, N + 1))
    np.testing.assert_allclose(drawn.mean(0), 7 + x, atol=5 * 6 / np.sqrt(4000))
    np.testing.assert_allclose(drawn.std(0), np.sqrt(4 + 9 * x**2 + 1.5**2 + 0.5**2), rtol=0.06)
    # Rows of one group move together: half of N(0, 1.5)'s square is what they share beside the coefficients.
    apart = drawn - 7 - x
    shared = np.mean(apart[:, 0] * apart[:, 4]) - 4 - 9 * x[0] * x[4]
    assert shared == pytest.approx(1.5**2, abs=1.5)


@pytest.mark.parametrize(
    ("formula", "likelihood", "values"),
    [
        ("yes ~ x + (1 | g)", None, {"yes", "no"}),
        ("cases / size ~ x", None, set(range(7))),
        ("grade ~ x + (1 | g)", "ordinal", {1, 2, 3}),
        ("kind ~ x", None, {"a", "b", "c"}),
    ],
)
def test_labels_and_grades_come_as_they_were_written(formula, likelihood, values):
    found = taut.prior_predictive(Regression(formula, likelihood=likelihood), TABLE, draws=40)
    assert found.height == 40 * N
    assert set(found[found.columns[-1]]) == values
    again = taut.prior_predictive(Regression(formula, likelihood=likelihood), TABLE, draws=40)
    assert found.equals(again)
    assert not found.equals(taut.prior_predictive(Regression(formula, likelihood=likelihood), TABLE, draws=40, seed=1))


@pytest.mark.parametrize("likelihood", ["poisson", "negative-binomial"])
def test_counts_are_never_negative_however_wide_the_prior(likelihood):
    for width in (1.0, 100.0, 1000.0):
        model = Regression("count ~ x", likelihood=likelihood, prior={"Intercept": Normal(0.0, width)})
        drawn = taut.prior_predictive(model, TABLE, draws=60)["count"].to_numpy()
        assert np.all(drawn >= 0)
    assert np.any(np.isinf(drawn))


def test_other_priors_and_responses_are_drawn_from_too():
    found = taut.prior_predictive(Regression("number ~ x", prior=Horseshoe()), TABLE, draws=20)
    assert np.isfinite(found["number"].to_numpy()).all()
    assert taut.prior_predictive(Regression("censored(time, event) ~ x"), TABLE, draws=5).columns[-1] == "time"


def test_a_prior_that_the_data_are_to_choose_is_refused():
    with pytest.raises(ArgumentError, match="no prior to draw from"):
        taut.prior_predictive(Regression("number ~ x", prior="empirical"), TABLE)
    with pytest.raises(ArgumentError, match="draws=0"):
        taut.prior_predictive(Regression("number ~ x"), TABLE, draws=0)
    with pytest.raises(ArgumentError, match="Regression"):
        taut.prior_predictive(taut.models.LogisticRegression(), TABLE)
