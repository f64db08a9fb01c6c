"""The design matrix: what it is, exactly; that it comes back from JSON; what is refused with which words."""

import datetime
import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taut.data import Design, prepare, read_table, split_target
from taut.errors import ArgumentError, DataError, SavedFitError

ROWS = 40
rng = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        "age": rng.integers(20, 60, ROWS),
        "job": [["clerk", "baker", "cook"][i % 3] for i in range(ROWS)],
        "owner": [i % 4 == 0 for i in range(ROWS)],
        "income": rng.lognormal(8, 1, ROWS),
    }
)
ARRAY = rng.normal(size=(ROWS, 3))


def test_the_matrix_by_hand():
    design = Design.learn(TABLE)
    assert design.names == ("intercept", "age", "job=clerk", "job=cook", "owner", "income")
    assert [c.kind for c in design.columns] == ["numeric", "categorical", "boolean", "numeric"]
    assert design.columns[1].levels == ("baker", "clerk", "cook")
    raw = np.column_stack(
        [TABLE["age"], TABLE["job"] == "clerk", TABLE["job"] == "cook", TABLE["owner"], TABLE["income"]]
    ).astype(float)
    X = design.matrix(TABLE)
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X[:, 0], 1)
    np.testing.assert_allclose(X[:, 1:], (raw - raw.mean(0)) / raw.std(0, ddof=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(Design.learn(TABLE, standardise=False, intercept=False).matrix(TABLE), raw)


@pytest.mark.parametrize("standardise", [True, False])
def test_the_original_scale_gives_the_same_predictor(standardise):
    design = Design.learn(TABLE, standardise=standardise)
    beta = np.arange(1.0, 7.0)
    raw = Design.learn(TABLE, standardise=False).matrix(TABLE)
    np.testing.assert_allclose(design.matrix(TABLE) @ beta, raw @ (design.original_scale() @ beta), rtol=1e-11)


def test_the_original_scale_without_intercept_is_of_centred_columns():
    design = Design.learn(ARRAY, intercept=False)
    beta = np.array([1.0, -2.0, 3.0])
    centred = ARRAY - ARRAY.mean(0)
    np.testing.assert_allclose(design.matrix(ARRAY) @ beta, centred @ (design.original_scale() @ beta), rtol=1e-11)


@pytest.mark.parametrize("features", [TABLE, ARRAY], ids=["table", "array"])
@pytest.mark.parametrize("options", [{}, {"standardise": False}, {"intercept": False, "missing": "drop"}], ids=str)
def test_json_round_trip_is_exact(features, options):
    design = Design.learn(features, **options)
    again = Design.from_json(json.loads(json.dumps(design.to_json())))
    assert again == design
    np.testing.assert_array_equal(again.matrix(features), design.matrix(features))


@given(arrays(float, st.tuples(st.integers(2, 8), st.integers(1, 4)), elements=st.floats(-1e6, 1e6)), st.booleans())
def test_any_numbers_come_back_from_json_and_from_standard_units(X, standardise):
    assume(np.all(X.std(0) > 1e-3))
    design = Design.learn(X, standardise=standardise)
    again = Design.from_json(json.loads(json.dumps(design.to_json())))
    assert again == design
    np.testing.assert_array_equal(again.matrix(X), design.matrix(X))
    beta = np.arange(1.0, X.shape[1] + 2)
    raw = np.column_stack([np.ones(len(X)), X])
    by_hand = raw @ (design.original_scale() @ beta)
    np.testing.assert_allclose(by_hand, design.matrix(X) @ beta, rtol=1e-9, atol=1e-9 * np.abs(X / X.std(0)).max())


SAVED = Design.learn(ARRAY).to_json()
FOREIGN = [
    {},
    None,
    {"columns": 3},
    {"columns": [{"nme": 1}]},
    SAVED | {"shift": [1.0]},
    SAVED | {"colour": "red"},
]


@pytest.mark.parametrize("saved", FOREIGN)
def test_foreign_json_is_refused(saved):
    with pytest.raises(SavedFitError, match="record of a design"):
        Design.from_json(saved)


def test_columns_go_by_name_and_others_are_ignored():
    design = Design.learn(TABLE)
    shuffled = TABLE.select("income", "owner", pl.lit("?").alias("other"), "job", "age")
    np.testing.assert_array_equal(design.matrix(shuffled), design.matrix(TABLE))


def test_arrays_go_by_position():
    design = Design.learn(ARRAY)
    assert design.names == ("intercept", "x0", "x1", "x2")
    np.testing.assert_array_equal(design.matrix(pl.DataFrame(ARRAY, schema=["a", "b", "c"])), design.matrix(ARRAY))
    np.testing.assert_array_equal(design.matrix(ARRAY.tolist()), design.matrix(ARRAY))
    named = Design.learn(pl.DataFrame(ARRAY, schema=["a", "b", "c"]))
    np.testing.assert_array_equal(named.matrix(ARRAY), design.matrix(ARRAY))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "longdouble", "object", "bool"])
def test_number_types_of_arrays(dtype):
    array = np.array([[0, 1], [1, 1], [1, 0]]).astype(dtype)
    X = Design.learn(array, standardise=False, intercept=False).matrix(array)
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X, [[0, 1], [1, 1], [1, 0]])


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_an_array_of_mixed_columns(dtype):
    array = np.array([["31", "cook"], ["57", "clerk"]] if dtype == "str" else [[31, "cook"], [57, "clerk"]], dtype)
    design = Design.learn(array, standardise=False)
    assert design.names == ("intercept", "x0", "x1=cook")
    np.testing.assert_array_equal(design.matrix(array), [[1, 31, 1], [1, 57, 0]])


def test_pandas_by_its_interface():
    """Nothing but `columns` and `iloc` is used; the true pandas is tried where it is installed (below)."""
    pandas = SimpleNamespace(
        columns=["age", "owner"], iloc=Columns([np.array([31, 57, 40]), np.array([True, False, True])])
    )
    design = Design.learn(pandas, standardise=False)
    np.testing.assert_array_equal(design.matrix(pandas), [[1, 31, 1], [1, 57, 0], [1, 40, 1]])
    assert [c.kind for c in design.columns] == ["numeric", "boolean"]


class Columns(list):
    def __getitem__(self, index):
        return super().__getitem__(index[1])


def test_pandas_itself():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "age": [31, 57, 40],
            "job": ["a", "b", "b"],
            "code": pd.Categorical([1, 2, 1]),
            "owner": [True, False, True],
        },
        index=[7, 8, 9],
    )
    design = Design.learn(frame, standardise=False)
    assert design.names == ("intercept", "age", "job=b", "code=2", "owner")
    np.testing.assert_array_equal(design.matrix(frame), [[1, 31, 0, 0, 1], [1, 57, 1, 1, 0], [1, 40, 1, 0, 1]])
    with pytest.raises(DataError, match=r"'n' \(1\)"):
        Design.learn(pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64")}))
    with pytest.raises(DataError, match=r"'s' \(1\)"):
        Design.learn(pd.DataFrame({"s": ["a", None, "b"]}))
    with pytest.raises(DataError, match="'d' holds dates"):
        Design.learn(pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-01-02"])}))
    with pytest.raises(DataError, match="more than one column named 'a'"):
        Design.learn(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_an_enum_keeps_its_order_and_declared_codes_are_categorical():
    grades = pl.Series("grade", ["good", "bad", "fair"], dtype=pl.Enum(["fair", "bad", "good", "unused"]))
    assert Design.learn(pl.DataFrame(grades)).columns[0].levels == ("fair", "bad", "good")
    codes = pl.DataFrame({"code": ["1", "2", "1"]}, schema={"code": pl.Categorical})
    design = Design.learn(codes, standardise=False)
    assert design.names == ("intercept", "code=2")
    np.testing.assert_array_equal(design.matrix(pl.DataFrame({"code": [2, 1]})), [[1, 1], [1, 0]])  # as a CSV has them


def test_missing_rows_are_dropped_on_request():
    table = TABLE.with_columns(
        age=pl.when(pl.int_range(ROWS) == 3).then(None).otherwise("age"),
        job=pl.when(pl.int_range(ROWS) == 5).then(pl.lit(" ")).otherwise("job"),
        income=pl.when(pl.int_range(ROWS) == 3).then(float("nan")).otherwise("income"),
    )
    keep = np.delete(np.arange(ROWS), [3, 5])
    design = Design.learn(table, missing="drop")
    assert design.dropped == 2
    assert np.flatnonzero(~design.complete_rows(table)).tolist() == [3, 5]
    assert design.shift == Design.learn(TABLE[keep]).shift
    np.testing.assert_array_equal(design.matrix(table), design.matrix(TABLE[keep]))


def test_missing_rows_of_an_array_are_dropped_on_request():
    array = ARRAY.copy()
    array[4, 1] = np.nan
    design = Design.learn(array, missing="drop")
    np.testing.assert_array_equal(design.matrix(array), design.matrix(np.delete(ARRAY, 4, axis=0)))
    assert (design.dropped, design.shift) == (1, Design.learn(np.delete(ARRAY, 4, axis=0)).shift)


def test_levels_that_only_dropped_rows_had_are_not_learned():
    table = pl.DataFrame({"job": ["a", "b", "c", "a"], "age": [1, 2, None, 4]})
    assert Design.learn(table, missing="drop").columns[0].levels == ("a", "b")


def test_more_columns_than_rows_are_fine():
    assert Design.learn(rng.normal(size=(5, 50))).matrix(rng.normal(size=(2, 50))).shape == (2, 51)


@pytest.mark.parametrize("unit", [1e-200, 1e-5, 1e5, 1e200])
def test_standardising_holds_at_any_scale(unit):
    X = Design.learn(unit * ARRAY, intercept=False).matrix(unit * ARRAY)
    np.testing.assert_allclose(X.std(0), 1, rtol=1e-12)
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-12)


def test_a_small_spread_around_a_large_mean_is_not_constant():
    times = 1.6e9 + np.arange(10.0)[:, None]
    np.testing.assert_allclose(Design.learn(times).matrix(times)[:, 1].std(), 1, rtol=1e-9)


def test_a_constant_column_can_be_the_intercept():
    array = np.column_stack([np.ones(3), [1.0, 2.0, 4.0]])
    design = Design.learn(array, standardise=False, intercept=False)
    np.testing.assert_array_equal(design.matrix(array), array)


class Sparse:
    def toarray(self):
        raise AssertionError("never made dense unasked")


def column(values, **others):
    return lambda: Design.learn(pl.DataFrame({"a": values, "b": list(range(len(values)))}), **others)


def array(values, **others):
    return lambda: Design.learn(values, **others)


# what happens, words that the message must contain
BAD_FEATURES = {
    "missing numbers": (column([1.0, None, float("nan")]), ["'a' (2)", "2 of 3 rows", "missing='drop'"]),
    "missing text": (column(["x", None, "", "y"]), ["'a' (2)"]),
    "nothing but missing": (column([None, None]), ["'a' (2)"]),
    "missing everywhere, dropped": (column([None, None], missing="drop"), ["Every row", "nothing"]),
    "infinities": (column([1.0, float("inf"), float("-inf")]), ["'a' (2)", "Infinite"]),
    "as good as infinite": (column([1.0, 1e307]), ["'a' (1)", "1e+300"]),
    "constant": (column([3, 3, 3]), ["'a' (always 3)", "0/0", "Drop"]),
    "column of ones": (array([[1, 5], [1, 6]]), ["'x0' (always 1)", "the intercept is added"]),
    "constant up to rounding": (column([0.1 + 0.2, 0.3, 0.3]), ["'a' (always 0.3)"]),
    "constant, not standardised": (column([3, 3], standardise=False), ["'a'", "told from the intercept", "added"]),
    "constant text": (column(["x", "x"]), ["'a'", "'x'", "constant", "Drop"]),
    "constant true": (column([True, True]), ["'a' (always 1)"]),
    "one row": (column([1]), ["single row"]),
    "no rows": (lambda: Design.learn(TABLE.head(0)), ["no rows"]),
    "no columns": (lambda: Design.learn(pl.DataFrame()), ["no column"]),
    "identifier": (column([f"id{i}" for i in range(50)]), ["'a'", "50 different values in 50 rows", "drop"]),
    "text among numbers": (column(["1", "2", "x", "4"]), ["'a'", "3 of its 4", "row 3", "'x'"]),
    "numbers as text": (column(["1", "2"]), ["'a'", "text", "2 of its 2", "Categorical"]),
    "row number before dropping": (column([None, "1", "2", "x"], missing="drop"), ["row 4", "'x'"]),
    "dates": (column([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]), ["'a'", "dates", "days since"]),
    "times": (column([datetime.datetime(2020, 1, d) for d in (1, 2)]), ["'a'", "dates or times"]),
    "durations": (column([datetime.timedelta(1), datetime.timedelta(2)]), ["'a'", "Duration"]),
    "lists in cells": (column([[1], [2]]), ["'a'", "List"]),
    "structs in cells": (column([{"u": 1}, {"u": 2}]), ["'a'", "Struct"]),
    "bytes in cells": (column([b"x", b"y"]), ["'a'", "Binary"]),
    "names that collide": (
        lambda: Design.learn(pl.DataFrame({"job": ["x", "y"], "job=y": [1, 2]})),
        ["'job=y'", "rename"],
    ),
    "a column named intercept": (lambda: Design.learn(pl.DataFrame({"intercept": [1, 2]})), ["'intercept'", "rename"]),
    "one-dimensional": (array(np.arange(4.0)), ["shape (4,)", ".reshape(-1, 1)"]),
    "three-dimensional": (array(np.zeros((2, 2, 2))), ["shape (2, 2, 2)"]),
    "ragged": (array([[1, 2], [3]]), ["unequal length"]),
    "a number": (array(3.0), ["a float"]),
    "nothing": (array(None), ["a NoneType"]),
    "a path": (array("loans.csv"), ["a str"]),
    "a dict": (array({"a": [1, 2]}), ["a dict"]),
    "lazy": (array(TABLE.lazy()), ["a LazyFrame"]),
    "sparse": (array(Sparse()), ["sparse", ".toarray()"]),
    "complex": (array(np.ones((2, 2), complex)), ["'x0'", "complex128"]),
    "bytes": (array(np.array([[b"a"], [b"b"]])), ["'x0'", "numbers, text"]),
    "array of dates": (array(np.array([["2020-01-01"], ["2020-01-02"]], "datetime64[D]")), ["'x0'", "dates"]),
    "array with NaN": (array([[1.0, np.nan], [2.0, 3.0]]), ["'x1' (1)"]),
    "array with no rows": (array(np.zeros((0, 3))), ["no rows"]),
    "array with no columns": (array(np.zeros((3, 0))), ["no column"]),
    "objects": (array(np.array([[{}], [1]], object)), ["'x0'", "dict"]),
    "objects, some text": (array(np.array([[1], [2], ["x"]], object)), ["'x0'", "row 3", "'x'"]),
    "strings, one no number": (array(np.array([["1"], ["2"], ["x"]])), ["'x0'", "row 3", "'x'"]),
    "pandas with a repeated name": (array(SimpleNamespace(columns=["a", "a"], iloc=None)), ["'a'", "rename"]),
}


@pytest.mark.parametrize(("act", "words"), BAD_FEATURES.values(), ids=BAD_FEATURES)
def test_bad_features(act, words):
    with pytest.raises(DataError) as caught:
        act()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_missing_has_three_values():
    with pytest.raises(ArgumentError, match="'guess'.*'impute'"):
        Design.learn(TABLE, missing="guess")


def changed(**columns):
    return lambda: Design.learn(TABLE).matrix(TABLE.head(2).with_columns(**columns))


BAD_PREDICTIONS = {
    "unseen level": (changed(job=pl.lit("diver")), ["'job'", "'diver'", "'baker', 'clerk', 'cook'"]),
    "missing columns": (
        lambda: Design.learn(TABLE).matrix(TABLE.drop("age", "job")),
        ["'age', 'job'", "missing"],
    ),
    "text for numbers": (changed(age=pl.Series(["31", "old"])), ["'age'", "numbers", "'old'", "row 2"]),
    "categorical for numbers": (
        changed(age=pl.Series(["x", "y"], dtype=pl.Categorical)),
        ["'age'", "'x'", "row 1"],
    ),
    "dates for numbers": (changed(age=pl.lit(datetime.date(2020, 1, 1))), ["'age'", "Date", "numeric"]),
    "lists for text": (changed(job=pl.Series([["a"], ["b"]])), ["'job'", "List"]),
    "numbers for text": (changed(job=pl.lit(7)), ["'job'", "'7'"]),
    "numbers for true/false": (changed(owner=pl.lit(7)), ["'owner'", "true/false"]),
    "text for true/false": (changed(owner=pl.lit("yes")), ["'owner'", "true/false", "'yes'"]),
    "missing values": (changed(age=pl.lit(None)), ["'age' (2)"]),
    "missing level": (changed(job=pl.lit(None, dtype=pl.String)), ["'job' (2)"]),
    "infinities": (changed(income=pl.lit(float("inf"))), ["'income' (2)"]),
    "no rows": (lambda: Design.learn(TABLE).matrix(TABLE.head(0)), ["no rows"]),
    "array too narrow": (
        lambda: Design.learn(ARRAY).matrix(ARRAY[:, :2]),
        ["2 columns", "3", "'x0', 'x1', 'x2'"],
    ),
    "table too wide for an array": (lambda: Design.learn(ARRAY).matrix(TABLE), ["4 columns", "3"]),
}


@pytest.mark.parametrize(("act", "words"), BAD_PREDICTIONS.values(), ids=BAD_PREDICTIONS)
def test_bad_predictions(act, words):
    with pytest.raises(DataError) as caught:
        act()
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("values", [["31", "57"], [31.0, 57.0], [True, False]])
def test_numbers_may_come_in_another_dress(values):
    design = Design.learn(pl.DataFrame({"age": [31, 57, 1, 0]}), standardise=False)
    expected = np.array([float(v) for v in values])
    for dtype in (None, pl.Categorical) if isinstance(values[0], str) else (None,):
        new = pl.DataFrame({"age": pl.Series(values, dtype=dtype)})
        np.testing.assert_array_equal(design.matrix(new)[:, 1], expected)


def test_german_credit(shared):
    path = shared / "classification" / "german_credit.csv"
    features, values = split_target(read_table(path), "bad")
    data = prepare(features, values)
    kinds = [c.kind for c in data.design.columns]
    assert (kinds.count("categorical"), kinds.count("numeric")) == (13, 7)
    levels = sum(features[c.name].n_unique() - 1 for c in data.design.columns if c.kind == "categorical")
    assert data.X.shape == (1000, 1 + 7 + levels)
    assert (data.labels.classes, data.y.sum()) == ((0, 1), 300)
    np.testing.assert_allclose(data.X[:, 1:].std(0), 1, rtol=1e-12)
    raw = Design.learn(features, standardise=False).matrix(features)
    np.testing.assert_allclose(data.X @ np.linalg.inv(data.design.original_scale()), raw, atol=1e-9)
