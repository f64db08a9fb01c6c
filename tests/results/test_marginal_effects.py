"""Average marginal effects against what is known of them, and against finite changes of the table itself."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

import taut
from taut.models import Regression


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 48
    x, job = rng.normal(40, 10, n), np.array(["baker", "cook", "clerk"])[np.arange(n) % 3]
    eta = 0.05 * (x - 40) + 0.5 * (job == "cook")
    return pl.DataFrame(
        {
            "x": x,
            "w": rng.uniform(0.5, 4.0, n),
            "job": job,
            "old": x > 42,
            "year": 1 + np.arange(n) % 4,
            "g": [f"g{k}" for k in np.arange(n) % 6],
            "number": eta + rng.normal(0, 0.5, n),
            "yes": np.where(rng.random(n) < expit(eta), "yes", "no"),
            "count": rng.poisson(np.exp(eta)),
            "grade": np.clip(np.round(eta + rng.normal(1, 1, n)), 0, 2).astype(int),
            "cases": rng.binomial(6, expit(eta)),
        }
    )


def lines(fit):
    return {(line["name"], line["level"]): line for line in fit.effects().to_dicts()}


def test_in_a_linear_model_they_are_the_coefficients(table):
    fit = taut.fit(Regression("number ~ x + w + job + old + C(year) + (1 | g)"), table)
    z = fit.drawn_answer[0]
    parts = fit.model.prior.parts(np.asarray(z, float))
    coefficients = fit.coefficients.values(fit.model, parts.beta, parts.own, raw=True)
    names = ["old[true]" if name == "old" else name for name in fit.coefficients.names]
    found = lines(fit)
    assert {name for name, _ in found} == set(names) - {"Intercept"}
    for name, draws in zip(names, coefficients.T, strict=True):
        if name != "Intercept":
            line = found[name, None]
            assert line["mean"] == pytest.approx(draws.mean(), rel=1e-6, abs=1e-9)
            assert line["sd"] == pytest.approx(draws.std(), rel=1e-6)
    assert found["job[cook]", None]["against"] == "baker"
    assert found["year[3]", None]["against"] == "1"
    assert fit.to_json()["effects"] == fit.effects().to_dicts()


def test_of_one_column_of_a_logistic_regression_they_are_the_average_over_draws(table):
    fit = taut.fit(Regression("yes ~ x"), table)
    z, x = np.asarray(fit.drawn_answer[0], float), table["x"].to_numpy()
    slope = z[:, 1:] / x.std()
    p = expit(z[:, :1] + slope * (x - x.mean()))
    direct = (slope * p * (1 - p)).mean(1)
    assert lines(fit)["x", None]["mean"] == pytest.approx(direct.mean(), rel=1e-6)
    assert lines(fit)["x", None]["lower"] == pytest.approx(np.quantile(direct, 0.025), rel=1e-2)


def mean_of(fit, rows):
    return np.asarray(fit.predict(rows)[0])


FORMULAS = {
    "count ~ x + I(x**2) + x:w + (1 | g)": "poisson",
    "yes ~ bs(w, df=5) + x * job": None,
    "cases / 6 ~ log(w) + (w | g)": None,
    "number ~ w:job + offset(log(w)) + (0 + x | g)": None,
    "grade ~ poly(w, 2) + old * x": "ordinal",
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_they_are_what_predictions_of_a_changed_table_say(table, formula):
    """By predictions alone: those of the table with a column moved, less those of the table."""
    likelihood = FORMULAS[formula]
    fit = taut.fit(Regression(formula, likelihood=likelihood), table)

    found = lines(fit)
    for name in dict.fromkeys(name for name, _ in found):
        column = name.split("[")[0]
        if column in ("x", "w"):
            step = 1e-3 * (1 if column == "x" else 0.05)
            middle = (table[column].min() + table[column].max()) / 2
            # Towards the middle: nothing is said of values beyond those that were seen.
            sign = np.where(table[column] < middle, 1.0, -1.0)
            by = [mean_of(fit, table.with_columns(pl.Series(column, table[column] + sign * step))), mean_of(fit, table)]
            direct = ((by[0] - by[1]).T * sign / step).T.mean(0)
        else:
            value = {"true": True}.get(name[:-1].split("[")[1], name[:-1].split("[")[1])
            first = {"old": False, "job": "baker"}[column]
            both = [mean_of(fit, table.with_columns(pl.lit(v).alias(column))) for v in (value, first)]
            direct = (both[0] - both[1]).mean(0)
        ours = [line["mean"] for (n, _), line in found.items() if n == name]
        trials = 6 if "cases" in formula else 1
        np.testing.assert_allclose(np.ravel(direct) / trials, ours, rtol=2e-3, atol=1e-6)


def test_a_column_with_jumps_has_none_and_a_saved_fit_says_the_same(table, tmp_path):
    fit = taut.fit(Regression("yes ~ I(x > 40) + w + job"), table)
    assert {name for name, _ in lines(fit)} == {"w", "job[clerk]", "job[cook]"}
    fit.save(tmp_path / "run")
    assert taut.load(tmp_path / "run").effects().equals(fit.effects())
    assert taut.fit(Regression("yes ~ 1 + (1 | g)"), table).effects().height == 0


def test_rows_count_as_often_as_their_weights_say(table):
    weights = np.arange(len(table)) % 3
    twice = table[np.repeat(np.arange(len(table)), weights)]
    weighted = taut.fit(Regression("yes ~ x + job"), table, sample_weight=weights).effects()
    repeated = taut.fit(Regression("yes ~ x + job"), twice).effects()
    np.testing.assert_allclose(weighted["mean"], repeated["mean"], rtol=0.02)
