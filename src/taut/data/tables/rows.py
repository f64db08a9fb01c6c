"""Rows of features on their way to a matrix: an array where all are numbers, a table where not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from taut.data.tables.columns import Column
from taut.data.tables.frames import as_frame
from taut.data.tables.problems import Problems
from taut.data.wording import quoted
from taut.errors import DataError

# The array is the short way: as a table, 30 columns cost more time than fitting a regression to them.
Rows = np.ndarray | pl.DataFrame


def as_rows(features: Any) -> tuple[Rows, bool]:
    """An array of numbers as float64 `[n, C]` with NaN where missing, all else as a table (`as_frame`).

    Returns:
        The rows, and whether their columns have names of their own.
    """
    numeric = isinstance(features, np.ndarray) and features.dtype.kind in "iuf"
    if numeric and features.ndim == 2 and features.size:
        return features.astype(np.float64), False
    return as_frame(features)


def take(rows: Rows, mask: np.ndarray) -> Rows:
    """The rows for which `mask` (bool `[n]`) is true."""
    if mask.all():
        return rows
    return rows[mask] if isinstance(rows, np.ndarray) else rows.filter(mask)


def blanked(rows: Rows, mask: np.ndarray) -> Rows:
    """The rows with nothing in those for which `mask` (bool `[n]`) is true, so that the others keep their numbers."""
    if not mask.any():
        return rows
    if isinstance(rows, np.ndarray):
        return np.where(mask[:, None], np.nan, rows)
    return rows.with_columns(pl.when(~pl.Series(mask)).then(pl.all()))


def present(rows: Rows) -> np.ndarray:
    """Which values are not missing: bool `[n, C]`."""
    if isinstance(rows, np.ndarray):
        return ~np.isnan(rows)
    return rows.select(pl.all().is_not_null()).to_numpy()


def read(columns: Sequence[Column], named: bool, features: Any) -> Rows:
    """New features as values of known columns, found by name, or by position where either side has no names.

    Raises:
        DataError: columns are missing, or hold another kind of value; all of them are named.
    """
    rows, rows_named = as_rows(features)
    names = list(dict.fromkeys(column.source for column in columns))
    by_name = named and rows_named
    if by_name and isinstance(rows, pl.DataFrame):
        found = set(rows.columns)
        if absent := [name for name in names if name not in found]:
            raise DataError(f"Columns that the fit used are missing: {quoted(absent)}.")
    elif rows.shape[1] != len(names):
        raise DataError(f"{rows.shape[1]} columns were received, and the fit had {len(names)}: {quoted(names)}.")
    if isinstance(rows, np.ndarray):
        if all(column.kind == "numeric" and column.fill is None for column in columns):
            return rows
        rows, _ = as_frame(rows)
    if not by_name:
        rows = rows.rename(dict(zip(rows.columns, names, strict=True)))
    return values(columns, rows)


def values(columns: Sequence[Column], rows: pl.DataFrame) -> pl.DataFrame:
    """Each column's values, as `Column.read` takes them."""
    problems, found = Problems(), []
    for column in columns:
        with problems.noted():
            found.append(column.read(rows[column.source]).alias(column.name))
    problems.refuse()
    return pl.DataFrame(found)


def encode(columns: Sequence[Column], rows: Rows) -> np.ndarray:
    """The matrix `[n, P]` of what `read` gives, before standardisation and without intercept."""
    if isinstance(rows, np.ndarray):
        return rows
    problems, found = Problems(), []
    for column in columns:
        with problems.noted():
            found.append(column.encode(rows[column.name]))
    problems.refuse()
    return np.hstack(found)
