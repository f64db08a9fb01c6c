"""Shares of variance of regressions by formula against their definition at the draws."""

import numpy as np
import polars as pl
import pytest

import taut
from taut.models import Regression

SHARE = ["share", "share_lower", "share_upper"]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    g, h, x = np.arange(60) % 10, np.arange(60) // 10, rng.normal(3, 2, 60)
    eta = 0.3 * (x - 3) + rng.normal(0, 0.8, 10)[g] + rng.normal(0, 0.4, 6)[h]
    return pl.DataFrame(
        {
            "x": x,
            "g": [f"g{k}" for k in g],
            "h": [f"h{k}" for k in h],
            "exposure": rng.uniform(1, 3, 60),
            "number": eta + rng.normal(0, 0.7, 60),
            "yes": rng.random(60) < 1 / (1 + np.exp(-eta)),
            "count": rng.poisson(np.exp(eta)),
            "time": rng.exponential(np.exp(eta)) + 0.01,
        }
    )


def logistic(draws, variance):
    return np.pi**2 / 3


def gaussian(draws, variance):
    return draws["sigma"] ** 2


def negative_binomial(draws, variance):
    eta = draws["Intercept"] + draws["mean offset"]  # coded columns have the mean zero
    return np.log1p(np.exp(-eta - variance / 2) + 1 / draws["phi"])


MODELS = {
    "number ~ x + (1 | g)": (None, gaussian),
    "number ~ x + (1 + x | g) + (1 | h)": (None, gaussian),
    "yes ~ x + (1 | g) + (1 | h)": (None, logistic),
    "count ~ x + offset(log(exposure)) + (1 | g)": ("negative-binomial", negative_binomial),
}


@pytest.mark.parametrize("formula", MODELS)
def test_a_share_is_the_part_of_the_variance_at_each_draw(table, formula):
    likelihood, residual = MODELS[formula]
    fit = taut.fit(Regression(formula, likelihood=likelihood), table)
    z, weights = fit.drawn_answer
    draws = fit.model.named(z) | {"mean offset": np.log(table["exposure"]).mean()}
    sds = [name for name in draws if name.startswith("sd(") and name.endswith(":Intercept)")]
    variance = sum(draws[name] ** 2 for name in sds)
    lines = {line["name"]: line for line in fit.variances(0.9).to_dicts()}
    for name in sds:
        share = draws[name] ** 2 / (variance + residual(draws, variance))
        assert lines[name]["share"] == pytest.approx(weights @ share, rel=1e-9)
        ends = np.quantile(share, [0.05, 0.95])
        assert [lines[name][end] for end in SHARE[1:]] == pytest.approx(ends, abs=2e-3)
    assert all(lines[name][part] is None for name in lines if name not in sds for part in SHARE)
    said = {line["name"]: line for line in fit.to_json()["variances"]}
    assert all(0 < said[name]["share"] < 1 for name in sds)


@pytest.mark.parametrize(
    ("formula", "likelihood"),
    [
        ("number ~ x + (0 + x | g)", None),
        ("number ~ x + (1 | g)", "student-t"),
        ("time ~ x + (1 | g)", "weibull"),
        ("number ~ x", None),
    ],
)
def test_where_no_share_is_agreed_on_there_is_none(table, formula, likelihood):
    fit = taut.fit(Regression(formula, likelihood=likelihood), table)
    found = fit.variances()
    assert [name for name in found.columns if name in SHARE] == SHARE
    assert [found[name].dtype for name in SHARE] == [pl.Float64] * 3
    assert all(value is None for part in SHARE for value in found[part])
