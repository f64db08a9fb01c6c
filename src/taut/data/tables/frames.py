"""What people hold in memory (Polars, pandas, arrays, lists) becomes a Polars table, missing = null."""

import numbers
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from taut.data.tables.text import typed
from taut.data.wording import listing, quoted
from taut.errors import DataError


def as_frame(features: Any) -> tuple[pl.DataFrame, bool]:
    """Take a table or a 2-D array as a Polars table.

    Args:
        features: `[n, C]`: a Polars or pandas table, or anything that numpy makes a 2-D array of. The
            columns of an array are x0, x1, ...; an array of strings has its types found as a CSV file has.

    Returns:
        The table, with every kind of missing value (NaN, None, NaT, blank text) null, and whether the columns
        have names of their own.

    Raises:
        DataError: not a table, ragged, sparse, no row, no column, columns of one name, or values that are not
            numbers, text or true/false.

    Example:
        >>> frame, named = as_frame([[1.0, float("nan")], [2.0, 3.0]])
        >>> frame.to_dict(as_series=False), named
        ({'x0': [1.0, 2.0], 'x1': [None, 3.0]}, False)
    """
    named = isinstance(features, pl.DataFrame) or hasattr(features, "iloc")
    if isinstance(features, pl.DataFrame):
        columns = features.get_columns()
    elif named:  # pandas, which need not be installed
        names = [str(name) for name in features.columns]
        if repeated := [name for name, count in Counter(names).items() if count > 1]:
            raise DataError(f"There is more than one column named {quoted(repeated)}: rename or remove one.")
        columns = [features.iloc[:, j] for j in range(len(names))]
        columns = [as_series(column, name) for column, name in zip(columns, names, strict=True)]
    else:
        array = _array(features, 2)
        columns = [_from_array(column, f"x{j}") for j, column in enumerate(array.T)]
        columns = [typed(column) if array.dtype.kind == "U" else column for column in columns]
    frame = _missing_as_null(pl.DataFrame(columns))
    if frame.width == 0:
        raise DataError("The features have no column: at least one is needed.")
    if frame.height == 0:
        raise DataError("The features have no rows: at least one is needed.")
    return frame, named


def as_series(values: Any, name: str | None = None) -> pl.Series:
    """Take one column of values as a Polars series; text stays text.

    Args:
        values: `[n]`: a Polars or pandas series, or anything that numpy makes a 1-D array of.
        name: the column's name; without it the one that `values` has, else "target".

    Returns:
        The series `[n]`, missing values null.

    Raises:
        DataError: not one column, or values that are not numbers, text or true/false.

    Example:
        >>> as_series(["no", None, "yes"]).to_list()
        ['no', None, 'yes']
    """
    name = name or str(getattr(values, "name", None) or "target")
    series = values.alias(name) if isinstance(values, pl.Series) else _from_array(_array(values, 1), name)
    if str(getattr(values, "dtype", "")) == "category":  # pandas' word for a declared categorical
        series = series.cast(pl.String).cast(pl.Categorical)
    return _missing_as_null(series.to_frame()).to_series()


def _array(values: Any, ndim: int) -> np.ndarray:
    if hasattr(values, "toarray"):
        raise DataError("A sparse matrix was received: make it dense with .toarray().")
    try:
        array = np.asarray(values)
    except ValueError as problem:
        raise DataError("The rows are of unequal length: give every row one value a column.") from problem
    if array.ndim == ndim:
        return array
    received = f"an array of shape {array.shape}" if array.ndim else f"a {type(values).__name__}"
    if ndim == 1:
        raise DataError(f"One value a row is needed, shape [n], and {received} was received: use .ravel().")
    remedy = " Use .reshape(-1, 1) for one feature, .reshape(1, -1) for one row." if array.ndim == 1 else ""
    raise DataError(f"A table or an array [rows, columns] is needed, and {received} was received.{remedy}")


def _from_array(array: np.ndarray, name: str) -> pl.Series:
    if array.dtype.kind == "O":
        return _from_objects(array, name)
    if array.dtype.kind == "f":
        return pl.Series(name, array.astype(np.float64))
    if array.dtype.kind in "biuU":
        return pl.Series(name, array)
    if array.dtype.kind == "M":
        return pl.Series(name, array.astype("datetime64[ms]"))
    raise DataError(f"'{name}' is of type {array.dtype}: numbers, text or true/false are needed.")


def _from_objects(array: np.ndarray, name: str) -> pl.Series:
    values = [None if _is_missing(value) else value for value in array]
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return pl.Series(name, [None if v is None else bool(v) for v in values], pl.Boolean)
    if all(isinstance(value, numbers.Real | np.bool_) for value in present):
        return pl.Series(name, [None if v is None else float(v) for v in values], pl.Float64)
    if strange := {type(v).__name__ for v in present if not isinstance(v, str | numbers.Real | np.bool_)}:
        raise DataError(
            f"'{name}' holds values of type {listing(sorted(strange))}: numbers, text or true/false are needed."
        )
    return pl.Series(name, [None if v is None else str(v) for v in values], pl.String)


def _is_missing(value: Any) -> bool:
    # NAType and NaTType are pandas' own; NaN is the one number that differs from itself.
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _missing_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    text = cs.string()
    return frame.with_columns(cs.float().fill_nan(None), pl.when(text.str.strip_chars() != "").then(text))
