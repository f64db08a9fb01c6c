"""Rows of features on their way to a matrix: an array where all are numbers, a table where not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from taut.data.tables.columns import Column, kind_of
from taut.data.tables.frames import as_frame
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


def present(rows: Rows) -> np.ndarray:
    """Which values are not missing: bool `[n, C]`."""
    if isinstance(rows, np.ndarray):
        return ~np.isnan(rows)
    return rows.select(pl.all().is_not_null()).to_numpy()


def kinds(rows: Rows) -> list[Column]:
    """The columns' names and kinds, their levels yet to be learned; refuses what would need a guess."""
    if isinstance(rows, np.ndarray):
        return [Column(f"x{j}", "numeric") for j in range(rows.shape[1])]
    return [Column(series.name, kind_of(series)) for series in rows]


def learn_columns(rows: Rows) -> tuple[Column, ...]:
    """The columns with their levels, learned from rows that have no missing value."""
    return tuple(kinds(rows) if isinstance(rows, np.ndarray) else map(Column.learn, rows))


def read(columns: Sequence[Column], named: bool, features: Any) -> Rows:
    """New features as values of known columns, found by name, or by position where either side has no names.

    Raises:
        DataError: columns are missing, or hold another kind of value.
    """
    rows, rows_named = as_rows(features)
    names = [column.name for column in columns]
    by_name = named and rows_named
    if by_name and isinstance(rows, pl.DataFrame):
        found = set(rows.columns)
        if absent := [name for name in names if name not in found]:
            raise DataError(f"Columns that the fit used are missing: {quoted(absent)}.")
    elif rows.shape[1] != len(names):
        raise DataError(f"{rows.shape[1]} columns were received, and the fit had {len(names)}: {quoted(names)}.")
    if isinstance(rows, np.ndarray):
        if all(column.kind == "numeric" for column in columns):
            return rows
        rows, _ = as_frame(rows)
    if not by_name:
        rows = rows.rename(dict(zip(rows.columns, names, strict=True)))
    return pl.DataFrame([c.read(series) for c, series in zip(columns, rows.select(names), strict=True)])


def encode(columns: Sequence[Column], rows: Rows) -> np.ndarray:
    """The matrix `[n, P]` of rows that have no missing value, before standardisation and without intercept."""
    if isinstance(rows, np.ndarray):
        return rows
    return np.hstack([c.encode(c.read(series)) for c, series in zip(columns, rows, strict=True)])
