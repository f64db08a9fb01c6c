"""A weight w is the row w times, and a weight of zero is the row left out, in everything that a fit says."""

import numpy as np
import polars as pl
import pytest

import taut
from taut.data import prepare
from taut.errors import DataError
from taut.estimators import BayesianLogisticRegression
from taut.report.evidence import Evidence

rng = np.random.default_rng(0)
N = 120
AGE = rng.normal(40, 10, N).round(2)
TABLE = pl.DataFrame(
    {
        "age": AGE,
        "job": rng.choice(["baker", "clerk", "cook"], N),
        "owner": rng.random(N) < 0.4,
    }
)
BAD = np.where(rng.random(N) < 1 / (1 + np.exp(0.1 * (AGE - 40))), "yes", "no")
TIMES = rng.integers(0, 4, N)
REPEATED = np.repeat(np.arange(N), TIMES)


def without(column, value, replaced):
    """The table with another value of a column, in the rows of weight zero alone."""
    return TABLE.with_columns(pl.when(pl.Series(TIMES == 0)).then(pl.lit(value)).otherwise(replaced).alias(column))


# Tables that differ from TABLE in the rows of weight zero alone.
ABSENT = {
    "as they are": TABLE,
    "far away": without("age", 9999.0, pl.col("age")),
    "a level of their own": without("job", "pilot", pl.col("job")),
    "missing": without("age", None, pl.col("age")),
    "not finite": without("age", float("inf"), pl.col("age")),
    "the only number that is none": without("age", "old", pl.col("age").cast(pl.String)),
}


@pytest.mark.parametrize("table", ABSENT.values(), ids=ABSENT)
def test_a_design_with_weights_is_that_of_repeated_rows(table):
    if table["age"].dtype == pl.String:
        with pytest.raises(DataError, match="numeric='age'"):
            prepare(table, BAD, weights=TIMES)
        columns = taut.data.Columns(numeric="age")
    else:
        columns = taut.data.Columns()
    weighted, repeated = prepare(table, BAD, weights=TIMES, columns=columns), prepare(TABLE[REPEATED], BAD[REPEATED])
    assert [column.names for column in weighted.design.columns] == [c.names for c in repeated.design.columns]
    np.testing.assert_allclose(weighted.design.shift, repeated.design.shift, rtol=1e-12)
    np.testing.assert_allclose(weighted.design.scale, repeated.design.scale, rtol=1e-12)
    assert weighted.design.dropped == repeated.design.dropped == 0
    np.testing.assert_allclose(
        np.repeat(weighted.X, weighted.weights.astype(int), axis=0), repeated.X, rtol=1e-9, atol=1e-12
    )
    assert np.repeat(weighted.y, weighted.weights.astype(int)).tolist() == repeated.y.tolist()


@pytest.mark.parametrize("values", [[3.0, 3.0, 4.0], ["x", "x", "y"], [True, True, False]], ids=str)
def test_a_column_that_is_constant_where_it_counts_is_constant(values):
    table = pl.DataFrame({"a": values * 8, "b": np.arange(24) ** 2})
    with pytest.raises(DataError, match=r"'a'.*always"):
        prepare(table, [0, 1, 1] * 8, weights=[1, 1, 0] * 8)


def test_a_label_of_rows_that_do_not_count_is_none():
    table, y = pl.DataFrame({"b": np.arange(24) ** 2}), np.array([0, 1, 7] * 8)
    assert prepare(table, y, weights=[1, 1, 0] * 8).labels.classes == (0, 1)
    with pytest.raises(DataError, match="always 0"):
        prepare(table, y, weights=[1, 0, 0] * 8)


@pytest.mark.parametrize("missing", ["drop", "impute"])
def test_missing_values_are_dropped_or_filled_by_weight(missing):
    table = TABLE.with_columns(age=pl.when(pl.int_range(N) % 5 == 0).then(None).otherwise("age"))
    weighted = prepare(table, BAD, weights=TIMES, missing=missing)
    repeated = prepare(table[REPEATED], BAD[REPEATED], missing=missing)
    assert weighted.design.names == repeated.design.names
    np.testing.assert_allclose(weighted.design.shift, repeated.design.shift, rtol=1e-12)
    for column, expected in zip(weighted.design.columns, repeated.design.columns, strict=True):
        assert column.fill == (pytest.approx(expected.fill) if isinstance(expected.fill, float) else expected.fill)


def answers(fit, data):
    """Everything that a fit says, as numbers."""
    evidence = Evidence.gather(fit, data)
    table = fit.summary()
    found = {name: table[name].to_numpy() for name in table.columns if name != "name"}
    found |= {f"predicted {name}": x for name, x in fit.predict(TABLE)._asdict().items()}
    found |= {name: getattr(evidence, name) for name in ("count", "positive", "predicted", "typical", "low", "high")}
    return found | {
        "bound": [fit.elbo, fit.expected_log_likelihood, fit.kl],
        "trust": [x for x in fit.verdict.trust.to_json().values() if isinstance(x, float)],
    }


@pytest.mark.parametrize("options", [{}, {"family": "mean-field"}], ids=str)
def test_a_fit_with_weights_says_what_a_fit_of_repeated_rows_says(options):
    model = taut.models.LogisticRegression()
    table = ABSENT["a level of their own"]
    weighted = taut.fit(model, (table, BAD), sample_weight=TIMES, progress=False, **options)
    repeated = taut.fit(model, (TABLE[REPEATED], BAD[REPEATED]), progress=False, **options)
    found, expected = answers(weighted, (table, BAD, TIMES)), answers(repeated, (TABLE[REPEATED], BAD[REPEATED]))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-9, err_msg=name)
    assert str(weighted.verdict) == str(repeated.verdict)
    assert weighted.rows == np.count_nonzero(TIMES)


def test_the_estimator_takes_weights_likewise():
    X = np.column_stack([AGE, TABLE["owner"].to_numpy()]).astype(float)
    weighted = BayesianLogisticRegression().fit(X, BAD, TIMES)
    repeated = BayesianLogisticRegression().fit(X[REPEATED], BAD[REPEATED])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7)
    direct = taut.fit(taut.models.LogisticRegression(), (X, BAD), sample_weight=TIMES, progress=False)
    np.testing.assert_allclose(direct.summary()["mean"].to_numpy()[1:], weighted.coef_[0], rtol=1e-7)


def test_rows_of_a_density_that_do_not_count_may_hold_anything():
    model = taut.models.LogDensity(
        parameters={"m": taut.models.real()},
        log_likelihood=lambda v, x: -0.5 * (x - v["m"]) ** 2,
        log_prior=lambda v: -0.5 * v["m"] ** 2,
    )
    x = np.where(TIMES == 0, np.nan, AGE - 40)
    weighted = taut.fit(model, x, sample_weight=TIMES, progress=False).summary()
    repeated = taut.fit(model, x[REPEATED], progress=False).summary()
    for name in ("mean", "sd"):
        np.testing.assert_allclose(weighted[name].to_numpy(), repeated[name].to_numpy(), rtol=1e-6)
