"""Features and a target, checked against each other: what a regression is fitted to."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.tables.choices import ASSUMED, Columns, said
from taut.data.tables.design import Design, Missing
from taut.data.tables.frames import as_series
from taut.data.tables.labels import Label, Labels
from taut.data.tables.levels import Levels
from taut.data.tables.problems import Problems
from taut.data.tables.rows import Rows, as_rows, take
from taut.data.weights import checked_weights
from taut.errors import ArgumentError, DataError

COINCIDENCE = 10
"""Fewest rows in which a column that goes with the target is remarked upon: two fair coins, thrown
ten times, all agree or all differ once in 512."""


class Supervised(NamedTuple):
    """Data ready for a regression, with the way they came.

    Attributes:
        X: `[n, D]` float64.
        y: `[n]` float64: 0 and 1 for labels, else numbers.
        design: how the features became X.
        labels: what 0 and 1 stand for; None for a target of numbers.
        kept: bool, one for each row received: whether it is among the n (rows are left out by missing="drop" and by
            weights of zero).
        weights: `[n]`, how often each row counts, or None for once each.
        remarks: what is worth a look and no reason to refuse.
        target: the target's name.
        left_out: why rows were left out, and how many.
        unused: names of the columns that are no features.
    """

    X: np.ndarray
    y: np.ndarray
    design: Design
    labels: Labels | Levels | None
    kept: np.ndarray
    weights: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    target: str = ""
    left_out: tuple[tuple[str, int], ...] = ()
    unused: tuple[str, ...] = ()


def prepare(
    features: Any,
    values: Any,
    *,
    standardise: bool = True,
    intercept: bool = True,
    missing: Missing = "refuse",
    positive: Label | None = None,
    target: str = "labels",
    weights: Any = None,
    columns: Columns = ASSUMED,
) -> Supervised:
    """Make a design matrix and a target from features and the target's values.

    Args:
        features: `[N, C]`, see `Design.learn`.
        values: `[N]`, labels (see `Labels.learn`) or numbers.
        standardise: whether to standardise columns.
        intercept: whether to put a column of ones first.
        missing: "refuse" rows with a missing value in a feature or in the target, "drop" them, or "impute" features.
        positive: the label to be taken as 1.
        target: what the target holds: "labels", two of any kind, "any labels", "ordered labels", or "numbers".
        weights: `[N]`, how often each row counts: 2 is the row twice, 0 is the row left out.
        columns: which columns are features, and what they hold.

    Raises:
        DataError: lengths that differ, the target among the features by its name, and whatever `Design.learn` and
            `Labels.learn` refuse, all in one message.

    Example:
        >>> data = prepare(pl.DataFrame({"age": [30, 50, 40]}), ["no", "yes", "yes"])
        >>> data.X.shape, data.y.tolist(), data.labels.classes
        ((3, 2), [0.0, 1.0, 1.0], ('no', 'yes'))
    """
    rows, column, given = _received(features, values, weights)
    counts = np.ones(len(rows)) if given is None else given
    labelled = column.is_not_null().to_numpy() if missing == "drop" else np.ones(len(rows), bool)
    counted = (counts > 0) & labelled
    if not counted.any():
        raise DataError("Every row lacks its target or a feature: nothing would be left. Fill them in.")
    problems, design, read, kept = Problems(), None, None, counted.copy()
    with problems.noted():
        weights = None if counted.all() and given is None else counts * labelled
        options = {"standardise": standardise, "intercept": intercept, "missing": missing}
        design = Design.learn(features, weights=weights, columns=columns, **options)
        if missing == "drop":
            kept[counted] = design.complete_rows(take(rows, counted))
    with problems.noted():
        read = TARGETS[target](column.filter(kept), positive)
    problems.refuse()
    assert design is not None  # or a problem was noted
    assert read is not None
    design = replace(design, dropped=int(np.sum(counts > 0) - kept.sum()))
    X, (y, labels) = design.matrix(take(rows, kept)), read
    told, own = separating(X, y, design.names, column.name), None if given is None else given[kept]
    left_out, unused = _left_out(counts, labelled, kept), _unused(rows, design)
    return Supervised(X, y, design, labels, kept, own, told, column.name, left_out, unused)


def _unused(rows: Rows, design: Design) -> tuple[str, ...]:
    """Names of the columns that are no features."""
    received = rows.columns if isinstance(rows, pl.DataFrame) else []
    sources = {column.source for column in design.columns}
    return tuple(name for name in received if name not in sources)


def _received(features: Any, values: Any, weights: Any) -> tuple[Rows, pl.Series, np.ndarray | None]:
    """Rows, target and weights, as many of each."""
    rows, _ = as_rows(features)
    column = as_series(values)
    if len(rows) != len(column):
        raise DataError(f"There are {len(rows)} rows of features and {len(column)} of the target: give one for each.")
    if isinstance(rows, pl.DataFrame) and getattr(values, "name", None) in rows.columns:
        raise DataError(f"The target '{column.name}' is also among the features: remove it there.")
    return rows, column, checked_weights(weights, len(rows))


def _left_out(counts: np.ndarray, labelled: np.ndarray, kept: np.ndarray) -> tuple[tuple[str, int], ...]:
    """What rows lacked that were left out, and how many."""
    reasons = {
        "a weight above zero": counts == 0,
        "the target": (counts > 0) & ~labelled,
        "a feature": (counts > 0) & labelled & ~kept,
    }
    return tuple((reason, int(rows.sum())) for reason, rows in reasons.items())


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


def _levels(column: pl.Series, positive: Label | None) -> tuple[np.ndarray, Levels]:
    if positive is not None:
        raise ArgumentError(f"positive={positive!r} is for a target of two labels, and this one has levels.")
    levels = Levels.learn(column)
    return levels.encode(column), levels


TARGETS = {"labels": _labelled, "numbers": _numbers, "any labels": _levels, "ordered labels": _levels}
"""How a target becomes y, by what it holds."""


def separating(X: np.ndarray, y: np.ndarray, names: tuple[str, ...], target: str) -> tuple[str, ...]:
    """What is to be said of two-valued columns that go with the target row by row, as a copy or its opposite.

    They are no reason to refuse: a treatment may separate the classes.
    """
    if len(y) < COINCIDENCE:
        return ()
    low, high = X.min(axis=0), X.max(axis=0)
    two_valued = np.flatnonzero(np.all((low == X) | (high == X), axis=0))
    found = [names[c] for c in two_valued if abs(np.mean((X[:, c] == high[c]) == y) - 0.5) == 0.5]
    return tuple(
        f"'{name}' tells '{target}' in every row. If it is the target in other words, leave it out "
        f"({said('drop', name.partition('=')[0])})."
        for name in found
    )
