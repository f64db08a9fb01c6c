"""The target: two labels, 0 and 1; and the target against the features."""

import datetime
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.data import Labels, prepare
from taut.errors import ArgumentError, DataError, SavedFitError


@pytest.mark.parametrize(
    ("values", "classes", "encoded"),
    [
        ([0, 1, 0], (0, 1), [0, 1, 0]),
        ([0.0, 1.0], (0, 1), [0, 1]),
        (np.array([2, 1], "int8"), (1, 2), [1, 0]),
        ([-1, 1], (-1, 1), [0, 1]),
        ([0.5, 1], (0.5, 1), [0, 1]),
        ([True, False], (False, True), [1, 0]),
        (["yes", "no"], ("no", "yes"), [1, 0]),
        (np.array(["0", "1"]), ("0", "1"), [0, 1]),
        (np.array(["b", "a"], object), ("a", "b"), [1, 0]),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ("a", "b"), [1, 0]),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "a"])), ("b", "a"), [0, 1]),
    ],
    ids=str,
)
def test_two_labels_of_any_kind(values, classes, encoded):
    labels = Labels.learn(values)
    assert labels.classes == classes
    assert [type(c) for c in labels.classes] == [type(c) for c in classes]
    y = labels.encode(values)
    assert y.dtype == np.float64
    assert y.tolist() == encoded
    assert Labels.from_json(json.loads(json.dumps(labels.to_json()))) == labels


WORDS = st.text("abcxyz019 ", min_size=1, max_size=6).map(str.strip).filter(bool)
PAIRS = st.one_of(
    st.lists(st.integers(-(2**31), 2**31), min_size=2, max_size=2, unique=True),
    st.lists(WORDS.map(lambda word: f"w{word}"), min_size=2, max_size=2, unique=True),
    st.permutations([True, False]),
)


@given(pair=PAIRS, ones=st.lists(st.booleans(), min_size=1, max_size=20))
def test_any_two_labels_are_ordered_and_come_back(pair, ones):
    values = [*pair, *(pair[one] for one in ones)]
    labels = Labels.learn(values)
    assert labels.classes == tuple(sorted(pair))
    assert [labels.classes[int(code)] for code in labels.encode(values)] == values
    assert Labels.learn(values, positive=pair[0]).classes == (pair[1], pair[0])
    assert Labels.from_json(json.loads(json.dumps(labels.to_json()))) == labels


@pytest.mark.parametrize("positive", ["no", "yes"])
def test_the_positive_label_may_be_named(positive):
    labels = Labels.learn(["yes", "no", "no"], positive=positive)
    assert labels.classes[1] == positive
    assert labels.encode([positive]).tolist() == [1.0]


def test_the_text_of_a_positive_label_is_enough():
    assert Labels.learn([0, 1], positive="0").classes == (1, 0)


# values, words that the message must contain
BAD_TARGETS = {
    "one class": ([1, 1, 1], ["always 1", "3 rows", "two classes"]),
    "three labels": (["a", "b", "c", "c"], ["3 labels", "'a' (1 rows)", "'c' (2 rows)", "binary"]),
    "many labels": (list(range(100)), ["100 labels", "and 92 more", "binary"]),
    "continuous": ([0.5, 1.5, 2.5, 1.0], ["continuous", "4 different", "from 0.5 to 2.5"]),
    "missing": ([0, None, 1, None], ["missing in 2 of 4", "row 2"]),
    "NaN": ([0.0, 1.0, float("nan")], ["missing in 1 of 3", "row 3"]),
    "blank": (["a", "b", " "], ["missing in 1 of 3"]),
    "nothing but missing": ([None, None], ["missing in 2 of 2"]),
    "infinite": ([0.0, float("inf")], ["infinite in 1"]),
    "no rows": ([], ["no rows"]),
    "dates": (pl.Series([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]), ["Date"]),
    "lists": (pl.Series([[1], [2]]), ["List"]),
    "two columns": (np.zeros((3, 2)), ["shape (3, 2)", ".ravel()"]),
    "a number": (1, ["a int"]),
    "ragged": ([[1], [1, 2]], ["unequal length"]),
    "complex": (np.array([1j, 2j]), ["complex128"]),
    "objects": (np.array([{}, 1], object), ["dict"]),
    "named": (pl.Series("bad", [1, 1]), ["'bad'"]),
}


@pytest.mark.parametrize(("values", "words"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets(values, words):
    with pytest.raises(DataError) as caught:
        Labels.learn(values)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_unknown_positive_label():
    with pytest.raises(ArgumentError, match="'maybe' is none of the labels.*'no'.*'yes'"):
        Labels.learn(["yes", "no"], positive="maybe")


def test_labels_that_were_not_learned():
    with pytest.raises(DataError, match="'maybe'.*'no' and 'yes'"):
        Labels.learn(["yes", "no"]).encode(["yes", "maybe"])


@pytest.mark.parametrize("saved", [{}, None, {"classes": [1]}, {"classes": 1}], ids=str)
def test_foreign_json_is_refused(saved):
    with pytest.raises(SavedFitError, match="two labels"):
        Labels.from_json(saved)


N = 24
AGE = np.arange(N) % 7
BAD = np.arange(N) % 3 == 0
FEATURES = pl.DataFrame({"age": AGE})


def test_prepare_drops_rows_from_both():
    features = pl.DataFrame({"age": [1, None, 3, 4, 5]})
    data = prepare(features, ["no", "yes", None, "no", "yes"], missing="drop")
    assert data.kept.tolist() == [True, False, False, True, True]
    assert data.y.tolist() == [0, 0, 1]
    assert (len(data.X), data.design.dropped) == (3, 2)
    assert data.design.shift == (10 / 3,)


def test_prepare_keeps_an_array_nameless():
    data = prepare(AGE[:, None], BAD)
    np.testing.assert_array_equal(data.design.matrix(pl.DataFrame({"any": AGE})), data.X)


BAD_PAIRS = {
    "lengths": (FEATURES, BAD[:-1], ["24 rows", "23"]),
    "missing target": (FEATURES, [None, *BAD[1:].tolist()], ["missing in 1 of 24"]),
    "same name": (FEATURES.with_columns(bad=pl.lit(1)), pl.Series("bad", BAD), ["'bad'", "also among"]),
    "no target at all, dropped": (FEATURES, [None] * N, ["lacks its target", "nothing would be left"]),
}


@pytest.mark.parametrize(("features", "values", "words"), BAD_PAIRS.values(), ids=BAD_PAIRS)
def test_bad_pairs(features, values, words, request):
    with pytest.raises(DataError) as caught:
        prepare(features, values, missing="drop" if "dropped" in request.node.name else "refuse")
    assert all(word in str(caught.value) for word in words), str(caught.value)


# features that tell the target in every row, its values, the words of the remark
SEPARATING = {
    "copy": (FEATURES.with_columns(copy=BAD), BAD, ["'copy'", "every row", "drop='copy'"]),
    "opposite": (FEATURES.with_columns(paid=~BAD), BAD, ["'paid'"]),
    "copy in other words": (
        FEATURES.with_columns(status=np.where(BAD, "default", "paid")),
        BAD.astype(int),
        ["'status=paid'"],
    ),
    "one of three levels": (
        FEATURES.with_columns(grade=np.where(BAD, "C", np.where(AGE > 3, "A", "B"))),
        BAD,
        ["'grade=C'"],
    ),
    "copy in an array": (np.column_stack([AGE, 2 * BAD - 1]), BAD, ["'x1'"]),
}


@pytest.mark.parametrize(("features", "values", "words"), SEPARATING.values(), ids=SEPARATING)
def test_a_column_that_tells_the_target_is_remarked_upon_and_no_reason_to_refuse(features, values, words):
    (remark,) = prepare(features, values).remarks
    assert all(word in remark for word in words), remark


def test_agreement_in_a_few_rows_is_not_remarked_upon():
    assert prepare([[0.0], [1.0], [1.0]], [0, 1, 1]).remarks == ()


def test_a_measured_column_that_separates_the_classes_is_not_remarked_upon():
    assert prepare(np.arange(N)[:, None], np.arange(N) > 10).remarks == ()
