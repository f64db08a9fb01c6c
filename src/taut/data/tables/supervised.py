"""Features and a target, checked against each other: what a regression is fitted to."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.tables.design import Design, Missing
from taut.data.tables.frames import as_series
from taut.data.tables.labels import Label, Labels
from taut.data.tables.rows import as_rows, kinds, present, take
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError

COINCIDENCE = 10
"""Fewest rows in which a column that goes with the target is taken for a copy of it: two fair coins, thrown
ten times, all agree or all differ once in 512."""


class Supervised(NamedTuple):
    """Data ready for a regression, with the way they came.

    Attributes:
        X: `[n, D]` float64.
        y: `[n]` float64: 0 and 1 for labels, else numbers.
        design: how the features became X.
        labels: what 0 and 1 stand for; None for a target of numbers.
        kept: bool, one for each row received: whether it is among the n (all of them unless missing="drop").
    """

    X: np.ndarray
    y: np.ndarray
    design: Design
    labels: Labels | None
    kept: np.ndarray


def prepare(
    features: Any,
    values: Any,
    *,
    standardise: bool = True,
    intercept: bool = True,
    missing: Missing = "refuse",
    positive: Label | None = None,
    target: str = "labels",
) -> Supervised:
    """Make a design matrix and a target from features and the target's values.

    Args:
        features: `[N, C]`, see `Design.learn`.
        values: `[N]`, labels (see `Labels.learn`) or numbers.
        standardise: whether to standardise columns.
        intercept: whether to put a column of ones first.
        missing: "refuse" rows with a missing value in a feature or in the target, or "drop" them.
        positive: the label to be taken as 1.
        target: what the target holds: "labels", two of any kind, or "numbers".

    Raises:
        DataError: lengths that differ, the target among the features (by its name, or as a two-valued column
            that goes with it row by row), and whatever `Design.learn` and `Labels.learn` refuse.

    Example:
        >>> data = prepare(pl.DataFrame({"age": [30, 50, 40]}), ["no", "yes", "yes"])
        >>> data.X.shape, data.y.tolist(), data.labels.classes
        ((3, 2), [0.0, 1.0, 1.0], ('no', 'yes'))
    """
    rows, named = as_rows(features)
    column = as_series(values)
    if len(rows) != len(column):
        raise DataError(f"There are {len(rows)} rows of features and {len(column)} of the target: give one for each.")
    if isinstance(rows, pl.DataFrame) and getattr(values, "name", None) in rows.columns:
        raise DataError(f"The target '{column.name}' is also among the features: remove it there.")
    kept = np.ones(len(rows), bool)
    if missing == "drop":
        kinds(rows)  # what is wrong with a row is said before dropping others changes its number
        kept = column.is_not_null().to_numpy() & present(rows).all(axis=1)
        if not kept.any():
            raise DataError("Every row lacks its target or a feature: nothing would be left. Fill them in.")
    rows, column = take(rows, kept), column.filter(kept)
    design = Design.learn(rows, standardise=standardise, intercept=intercept, missing=missing)
    design = replace(design, named=named, dropped=int(np.sum(~kept)))
    X, (y, labels) = design.matrix(rows), TARGETS[target](column, positive)
    _refuse_leaks(X, y, design.names, column.name)
    return Supervised(X, y, design, labels, kept)


def _labelled(column: pl.Series, positive: Label | None) -> tuple[np.ndarray, Labels]:
    labels = Labels.learn(column, positive=positive)
    return labels.encode(column), labels


def _numbers(column: pl.Series, positive: Label | None) -> tuple[np.ndarray, None]:
    if positive is not None:
        raise ArgumentError(f"positive={positive!r} is for a target of two labels, and this one holds numbers.")
    if not column.dtype.is_numeric() or column.null_count():
        raise DataError(f"The target '{column.name}' must hold a number in every row: its type is {column.dtype}.")
    y = column.cast(pl.Float64).to_numpy()
    finite = np.isfinite(y)
    if not finite.all():
        first = np.argmin(finite) + 1
        raise DataError(f"The target '{column.name}' has values that are not finite, the first in row {first}.")
    return y, None


TARGETS = {"labels": _labelled, "numbers": _numbers}
"""How a target becomes y, by what it holds."""


def _refuse_leaks(X: np.ndarray, y: np.ndarray, names: tuple[str, ...], target: str) -> None:
    if len(y) < COINCIDENCE:
        return
    low, high = X.min(axis=0), X.max(axis=0)
    two_valued = np.flatnonzero(np.all((low == X) | (high == X), axis=0))
    leaks = [names[c] for c in two_valued if abs(np.mean((X[:, c] == high[c]) == y) - 0.5) == 0.5]
    if leaks:
        raise DataError(
            f"The target '{target}' is also among the features: {quoted(leaks)} goes with it row by row, as "
            "a copy or its opposite. Remove it."
        )
