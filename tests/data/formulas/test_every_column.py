"""Features and a response by themselves: what is learned of them, what new rows may be, what is refused."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm

import taut
from taut.data import FormulaDesign, prepare_formula
from taut.data.formulas.every_column import prepare_columns
from taut.errors import ArgumentError, DataError
from taut.models import Regression


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "dose in mg": random.normal(5, 2, 30),
            "job.x": random.choice(["clerk", "cook", "baker"], 30),
            "there": random.random(30) > 0.5,
            "target": random.normal(size=30),
        }
    )


@pytest.mark.parametrize("weights", [None, np.arange(30) % 3])
def test_it_is_the_formula_of_every_column(table, weights):
    y = np.random.default_rng(1).poisson(3, 30)
    found = prepare_columns((table, y), weights=weights)
    same = prepare_formula("y ~ .", table.with_columns(y=y), weights=weights)
    assert found.design.names == same.design.names
    np.testing.assert_allclose(found.rows.X, same.rows.X, rtol=1e-12)
    assert found.design.formula == "target_ ~ ."  # the features have a target of their own


@pytest.mark.parametrize("kind", [np.asarray, pl.DataFrame, pd.DataFrame])
def test_new_rows_go_by_name_or_by_position(kind):
    X = np.random.default_rng(0).normal(size=(20, 3))
    names = {} if kind is np.asarray else {"columns" if kind is pd.DataFrame else "schema": ["a", "b c", "d"]}
    offset = np.arange(20) / 10
    data = prepare_columns((kind(X, **names), np.arange(20), offset))
    design = FormulaDesign.from_json(json.loads(json.dumps(data.design.to_json())))
    rows = design.rows((kind(X, **names), offset))
    np.testing.assert_array_equal(rows.X, data.rows.X)
    np.testing.assert_array_equal(rows.offset, offset)
    np.testing.assert_array_equal(design.rows((X, 0.0)).X, data.rows.X)
    if names:
        turned = kind(X, **names)[["d", "a", "b c"]]
        np.testing.assert_array_equal(design.rows((turned, offset)).X, data.rows.X)


def test_more_columns_than_rows_and_sums_of_columns_are_fine():
    X = np.random.default_rng(0).normal(size=(20, 30))
    data = prepare_columns((np.column_stack([X, X.sum(1)]), np.arange(20)))
    assert data.rows.X.shape == (20, 32)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((3, 2)), r"takes \(X, y\)"),
        ((np.ones((3, 1)),), r"takes \(X, y\)"),
        (([[1.0], [2.0]], [1, 2, 3]), "2 rows of features and 3 of the target"),
        (([[1.0], [2.0]], [1, 2], [1.0]), "2 rows of features and 1 of the offset"),
        (([[1.0], [2.0]], [1, 2], ["a", "b"]), "one number for each row"),
        (([[1.0], [np.nan]], [1, 2]), "Missing values in 'x0'"),
        (([[1.0], [2.0]], [1, 2], [0.0, np.nan]), "Missing values in 'offset'"),
        (([[1.0], [2.0]], [1, None]), "Missing values in 'target'"),
        (([[1.0], [1.0]], [1, 2]), "Constant columns: 'x0'"),
        ((pl.DataFrame({"y": [1, 2]}), pl.Series("y", [1, 2])), "also among the features"),
    ],
)
def test_what_is_refused(data, words):
    with pytest.raises((ArgumentError, DataError), match=words):
        prepare_columns(data)


@pytest.mark.parametrize(
    ("offset", "new", "words"),
    [
        (True, np.zeros((2, 1)), r"give \(X, offset\)"),
        (True, (np.zeros((2, 1)), [1.0]), "2 rows and 1 offsets"),
        (False, (np.zeros((2, 1)), [1.0, 2.0]), "the fit had none"),
        (False, np.zeros((2, 2)), "2 columns were received, and the fit had 1"),
    ],
)
def test_new_rows_that_are_refused(offset, new, words):
    X, y = np.arange(5.0)[:, None], np.arange(5)
    design = prepare_columns((X, y, np.ones(5)) if offset else (X, y)).design
    with pytest.raises(DataError, match=words):
        design.rows(new)


def test_a_poisson_regression_by_quadrature(tmp_path):
    random = np.random.default_rng(0)
    X, offset, weights = random.normal(size=(40, 1)), random.normal(0, 0.3, 40), random.integers(0, 3, 40)
    y = random.poisson(np.exp(0.5 + 0.7 * X[:, 0] + offset))
    fit = taut.fit(Regression(likelihood="poisson"), (X, y, offset), sample_weight=weights, progress=False)
    mean = np.average(X[:, 0], weights=weights)
    x = (X[:, 0] - mean) / np.sqrt(np.average((X[:, 0] - mean) ** 2, weights=weights))
    a, b = np.meshgrid(np.linspace(-0.5, 1.5, 300), np.linspace(-1, 1.5, 300), indexing="ij")
    log_p = norm.logpdf(a, 0, 2.5) + norm.logpdf(b, 0, 2.5)
    for x_i, o, w, count in zip(x, offset, weights, y, strict=True):
        eta = a + b * x_i + o
        log_p += w * (count * eta - np.exp(eta))
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    table = fit.summary()
    for j, grid in enumerate((a, b)):
        m = (p * grid).sum()
        sd = np.sqrt((p * (grid - m) ** 2).sum())
        assert abs(table["mean_standardised"][j] - m) < 0.01 * sd
        assert abs(table["sd_standardised"][j] / sd - 1) < 0.02
    fit.save(tmp_path / "fit")
    again = taut.load(tmp_path / "fit")
    new = (X[:4], offset[:4])
    np.testing.assert_array_equal(again.predict(new).mean, fit.predict(new).mean)
