"""What is learned of a table's columns, with everything that is wrong with them told at once."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import polars as pl

from taut.data.tables import disguise
from taut.data.tables.checks import refuse_constant, refuse_infinite, refuse_missing
from taut.data.tables.choices import Columns
from taut.data.tables.columns import Column
from taut.data.tables.problems import Problems
from taut.data.tables.rows import Rows, blanked, encode, present, take
from taut.data.wording import quoted
from taut.errors import DataError


class Learned(NamedTuple):
    """Columns, and the rows they were learned from.

    Attributes:
        columns: with levels and what stands in for missing values.
        raw: `[n, P]`, the rows in the table's own units.
        kept: bool, one for each row received: whether it is among the n.
        incomplete: rows left out because a value is missing.
    """

    columns: tuple[Column, ...]
    raw: np.ndarray
    kept: np.ndarray
    incomplete: int


def learn(rows: Rows, named: bool, weights: np.ndarray, missing: str, choices: Columns, reason: str | None) -> Learned:
    """Learn the columns from the rows that count.

    Args:
        rows: of features, as received.
        named: whether their columns have names of their own.
        weights: `[n]`; a row of weight zero is as good as absent.
        missing: "refuse", "drop" or "impute".
        choices: what was said of the columns.
        reason: why a constant column is refused; None where it is not.

    Raises:
        DataError: all that is wrong, in one message.
    """
    problems = Problems()
    counted = weights > 0
    rows = blanked(rows, ~counted)
    columns, values = _kinds(rows, choices, problems)
    there = present(values)
    kept = counted.copy()
    if missing == "drop":
        kept &= there.all(axis=1)
        if not kept.any():
            problems.found.append(
                "Every row has a missing value: nothing would be left. Fill them in, or drop empty columns."
            )
            problems.refuse()
    elif missing == "refuse":
        with problems.noted():
            refuse_missing([column.name for column in columns], there[counted])
    incomplete = int(counted.sum() - kept.sum())
    values = take(values, kept)
    if isinstance(values, pl.DataFrame):
        columns = _learned(columns, values, take(rows, kept), missing == "impute", problems)
        if missing == "impute":
            columns = _filled(columns, values, weights[kept], problems)
        if named:
            _note_identifiers(columns, values, choices, problems)
        values = pl.DataFrame([_completed(column, values[column.source]) for column in columns])
    raw = encode(columns, values) if columns else np.zeros((int(kept.sum()), 0))
    names = [name for column in columns for name in column.names]
    with problems.noted():
        refuse_infinite(names, raw)
    with problems.noted():
        if reason is not None:
            refuse_constant(names, raw, reason)
    problems.refuse()
    return Learned(tuple(columns), raw, kept, incomplete)


def refuse_repeated(names: tuple[str, ...]) -> None:
    """Refuse columns of the design that would have one name."""
    if repeated := [name for name, n in Counter(names).items() if n > 1]:
        raise DataError(f"More than one column of the design would be called {quoted(repeated)}: rename one.")


def _kinds(rows: Rows, choices: Columns, problems: Problems) -> tuple[list[Column], Rows]:
    """The columns of their kinds, without those that have a problem, and their values."""
    if isinstance(rows, np.ndarray):
        return [Column(f"x{j}", "numeric") for j in range(rows.shape[1])], rows
    columns, values = [], []
    for series in rows:
        with problems.noted():
            column = Column.of_kind(series, choices)
            if column.kind == "date" and choices.dates == "drop":
                continue
            values.append(column.read(series).alias(column.name))
            columns.append(column)
    if not columns:
        problems.refuse()
        raise DataError("No feature is left once dates are dropped: keep at least one column.")
    return columns, pl.DataFrame(values)


def _learned(
    columns: list[Column], values: pl.DataFrame, rows: Rows, imputed: bool, problems: Problems
) -> list[Column]:
    """The columns with levels and first dates, without those that have a problem."""
    found = []
    for column in columns:
        if values[column.name].null_count() == len(values):
            found += [column] * imputed  # else it was told that its values are missing
            continue
        with problems.noted():
            found.append(column.learned(rows[column.name]))
    return found


def _filled(columns: list[Column], values: pl.DataFrame, weights: np.ndarray, problems: Problems) -> list[Column]:
    """The columns with what stands in for missing values, and behind each that has any one that says where."""
    found = []
    for column in columns:
        with problems.noted():
            found.append(column.filled(values[column.name], weights))
            if values[column.name].null_count():
                found.append(Column(f"{column.name} is missing", "boolean", of=column.name))
    return found


def _completed(column: Column, values: pl.Series) -> pl.Series:
    """Values that were read before it was known what stands in for a missing one."""
    if column.of:
        return column.read(values)
    return values if column.fill is None else values.fill_null(column.fill)


def _note_identifiers(columns: list[Column], values: pl.DataFrame, choices: Columns, problems: Problems) -> None:
    for column in columns:
        if column.kind == "numeric" and not column.decimal and column.name not in choices.names("numeric"):
            with problems.noted():
                if suspicion := disguise.of_numbers(column.name, values[column.name].drop_nulls().to_numpy()):
                    raise DataError(suspicion)
