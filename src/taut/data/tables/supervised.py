"""Features and a binary target, checked against each other: what a classification is fitted to."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.tables.design import Design, Missing
from taut.data.tables.frames import as_series
from taut.data.tables.labels import Label, Labels
from taut.data.tables.rows import as_rows, kinds, present, take
from taut.data.wording import quoted
from taut.errors import DataError

COINCIDENCE = 10
"""Fewest rows in which a column that goes with the target is taken for a copy of it: two fair coins, thrown
ten times, all agree or all differ once in 512."""


class Supervised(NamedTuple):
    """Data ready for a binary regression, with the way they came.

    Attributes:
        X: `[n, D]` float64.
        y: `[n]` float64, 0 and 1.
        design: how the features became X.
        labels: what 0 and 1 stand for.
        kept: bool, one for each row received: whether it is among the n (all of them unless missing="drop").
    """

    X: np.ndarray
    y: np.ndarray
    design: Design
    labels: Labels
    kept: np.ndarray


def prepare(
    features: Any,
    values: Any,
    *,
    standardise: bool = True,
    intercept: bool = True,
    missing: Missing = "refuse",
    positive: Label | None = None,
) -> Supervised:
    """Make a design matrix and a 0/1 target from features and labels.

    Args:
        features: `[N, C]`, see `Design.learn`.
        values: `[N]`, see `Labels.learn`.
        standardise: whether to standardise columns.
        intercept: whether to put a column of ones first.
        missing: "refuse" rows with a missing value in a feature or in the target, or "drop" them.
        positive: the label to be taken as 1.

    Raises:
        DataError: lengths that differ, the target among the features (by its name, or as a two-valued column
            that goes with it row by row), and whatever `Design.learn` and `Labels.learn` refuse.

    Example:
        >>> data = prepare(pl.DataFrame({"age": [30, 50, 40]}), ["no", "yes", "yes"])
        >>> data.X.shape, data.y.tolist(), data.labels.classes
        ((3, 2), [0.0, 1.0, 1.0], ('no', 'yes'))
    """
    rows, named = as_rows(features)
    target = as_series(values)
    if len(rows) != len(target):
        raise DataError(f"There are {len(rows)} rows of features and {len(target)} of the target: give one for each.")
    if isinstance(rows, pl.DataFrame) and getattr(values, "name", None) in rows.columns:
        raise DataError(f"The target '{target.name}' is also among the features: remove it there.")
    kept = np.ones(len(rows), bool)
    if missing == "drop":
        kinds(rows)  # what is wrong with a row is said before dropping others changes its number
        kept = target.is_not_null().to_numpy() & present(rows).all(axis=1)
        if not kept.any():
            raise DataError("Every row lacks its target or a feature: nothing would be left. Fill them in.")
    rows, target = take(rows, kept), target.filter(kept)
    design = Design.learn(rows, standardise=standardise, intercept=intercept, missing=missing)
    design = replace(design, named=named, dropped=int(np.sum(~kept)))
    labels = Labels.learn(target, positive=positive)
    X, y = design.matrix(rows), labels.encode(target)
    _refuse_leaks(X, y, design.names, target.name)
    return Supervised(X, y, design, labels, kept)


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
