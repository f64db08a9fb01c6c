"""A target of several labels: found, ordered, encoded, refused."""

import json

import numpy as np
import polars as pl
import pytest

from taut.data import Levels, prepare
from taut.errors import ArgumentError, DataError, SavedFitError


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([3, 1, 2, 1], (1, 2, 3)),
        ([3.0, 1.0, 10.0], (1, 3, 10)),
        (["setosa", "virginica", "versicolor"], ("setosa", "versicolor", "virginica")),
        (["10", "9", "8"], ("8", "9", "10")),
        (["10", "9", "a"], ("10", "9", "a")),
        ([True, False], (False, True)),
        (pl.Series(["b", "a", "c"], dtype=pl.Enum(["c", "b", "a"])), ("c", "b", "a")),
    ],
    ids=str,
)
def test_levels_have_their_order(values, levels):
    found = Levels.learn(values)
    assert found.levels == levels
    assert [type(x) for x in found.levels] == [type(x) for x in levels]
    y = found.encode(values)
    assert y.dtype == np.float64
    assert [levels[int(k)] for k in y] == list(values)
    assert Levels.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_an_order_can_be_given_with_levels_that_no_row_has():
    found = Levels.learn(["low", "high", "low"], order=["low", "middle", "high"])
    assert found.levels == ("low", "middle", "high")
    assert found.encode(["high", "low"]).tolist() == [2.0, 0.0]
    assert Levels.learn([2, 1, 2], order=["2", "1"]).levels == (2, 1)


@pytest.mark.parametrize(
    ("order", "said"),
    [(["low", "middle"], "'high' is not among them"), (["low", "high", "low"], "named twice")],
)
def test_an_order_names_every_level_once(order, said):
    with pytest.raises(ArgumentError, match=said):
        Levels.learn(["low", "high"], order=order)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 1, 1], "always 1"),
        (["a", None], "missing in 1 of 2 rows, first in row 2"),
        ([0.5, 1.5, 2.5], "continuous"),
        ([f"name {k}" for k in range(60)], "60 different values among 60 rows"),
        (np.arange(51), "at most 50 levels"),
        ([1.0, np.inf], "infinite"),
        ([], "no rows"),
    ],
)
def test_what_has_no_levels_is_refused(values, said):
    with pytest.raises(DataError, match=said):
        Levels.learn(values)


def test_an_unknown_level_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="holds 'd', where the labels are 'a', 'b' and 'c'"):
        Levels.learn(["a", "b", "c"]).encode(["a", "d"])


def test_a_damaged_record_is_refused():
    with pytest.raises(SavedFitError, match="record of levels"):
        Levels.from_json({"levels": "abc"})


@pytest.mark.parametrize("target", ["any labels", "ordered labels"])
def test_a_table_is_read_with_levels(target):
    read = prepare([[0.1], [2.0], [3.0], [1.0]], ["b", "a", "c", "b"], target=target)
    assert read.y.tolist() == [1.0, 0.0, 2.0, 1.0]
    assert read.labels == Levels(("a", "b", "c"))
    with pytest.raises(ArgumentError, match="two labels"):
        prepare([[0.1], [2.0], [3.0], [1.0]], ["b", "a", "c", "b"], target=target, positive="b")
