"""Rows of a table as a formula sees them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.formulas.component import Component
from taut.data.formulas.design import FormulaDesign, FormulaRows
from taut.data.formulas.evaluating import Rows, Values, values_of
from taut.data.formulas.groups import NewGroups, as_groups
from taut.data.formulas.response import Response
from taut.data.formulas.terms import matrix
from taut.data.tables.checks import refuse_missing
from taut.data.tables.columns import Column
from taut.data.tables.frames import as_frame
from taut.data.tables.problems import Problems
from taut.data.wording import quoted
from taut.errors import DataError


def named_frame(table: Any) -> pl.DataFrame:
    """A table with named columns, missing values null.

    Raises:
        DataError: an array, or what is no table.
    """
    frame, named = as_frame(table)
    if not named:
        raise DataError("A formula names columns: a Polars or pandas table is needed, and an array was received.")
    return frame


class Read(NamedTuple):
    """Columns as they were read; missing values null.

    Attributes:
        columns: of the terms, by name.
        factors: grouping columns as text, by name.
    """

    columns: dict[str, pl.Series]
    factors: dict[str, pl.Series]

    @property
    def present(self) -> dict[str, np.ndarray]:
        """Which values are not missing, by column."""
        return {name: series.is_not_null().to_numpy() for name, series in (self.columns | self.factors).items()}

    def take(self, mask: np.ndarray) -> "Read":
        """The rows for which `mask` (bool `[n]`) is true."""
        chosen = pl.Series(mask)
        return Read(*({name: series.filter(chosen) for name, series in part.items()} for part in self))


def read(frame: pl.DataFrame, columns: Sequence[Column], factors: Iterable[str]) -> Read:
    """Read the columns of the terms by their kinds, and the grouping columns as text.

    Raises:
        DataError: all that is wrong with them.
    """
    problems, found, groups = Problems(), {}, {}
    for column in columns:
        with problems.noted():
            found[column.name] = column.read(frame[column.source])
    for name in factors:
        with problems.noted():
            groups[name] = as_groups(frame[name])
    problems.refuse()
    return Read(found, groups)


def as_arrays(read: Read, columns: Sequence[Column], n: int) -> Rows:
    """Columns without missing values as formulae's functions take them."""
    arrays = {column.name: read.columns[column.name].to_numpy() for column in columns}
    truths = {column.name for column in columns if column.kind == "boolean"}
    return Rows(n, {name: array > 0 if name in truths else array for name, array in arrays.items()})


def offset_of(offsets: Sequence[Component], rows: Rows) -> np.ndarray | None:
    """The sum of the offsets, `[n]`.

    Raises:
        DataError: one is not one number a row.
    """
    total = None
    for offset in offsets:
        found = values_of(offset.name, offset.called, rows, offset.states)
        if found.kind != "numeric" or found.array.shape[1] != 1:
            raise DataError(f"offset({offset.name}) is not one number for each row.")
        total = found.array[:, 0] if total is None else total + found.array[:, 0]
    return total


def computed(response: Response, frame: pl.DataFrame) -> pl.Series:
    """Values of a response that is an expression, on rows without missing values."""
    columns = response.sources
    rows = as_arrays(read(frame, columns, ()), columns, frame.height)
    return expressed(response.name, values_of(response.name, True, rows, response.states))


def expressed(name: str, found: Values) -> pl.Series:
    """Values of an expression as a column.

    Raises:
        DataError: several columns.
    """
    if found.kind == "numeric" and found.array.shape[1] == 1:
        return pl.Series(name, found.array[:, 0])
    if found.kind == "categorical":
        values = pl.Series(name, found.array.tolist(), pl.String)
        return values == "true" if set(found.array.tolist()) <= {"true", "false"} else values
    raise DataError(f"{name} is not one value for each row: it cannot be a response.")


def apply(design: FormulaDesign, table: Any, new_groups: NewGroups) -> FormulaRows:
    """What `FormulaDesign.rows` gives."""
    frame = named_frame(table) if design.of == "a table" else _joined(design, table)
    if absent := [name for name in design.sources if name not in frame.columns]:
        raise DataError(f"Columns that the fit used are missing: {quoted(absent)}.")
    factors = list(dict.fromkeys(name for group in design.groups for name in group.factor))
    found = read(frame, design.columns, factors)
    present = np.column_stack([np.ones(frame.height, bool), *found.present.values()])
    if design.missing == "refuse":
        refuse_missing(["", *found.present], present, imputed=False)
    kept = present.all(axis=1)
    if not kept.any():
        raise DataError("Every row has a missing value: nothing would be left. Fill them in.")
    found, frame, n = found.take(kept), frame.filter(pl.Series(kept)), int(kept.sum())
    rows = as_arrays(found, design.columns, n)
    values = {c.name: _known(c, values_of(c.name, c.called, rows, c.states).array) for c in design.components}
    return assembled(design, frame, found.factors, values, rows, new_groups, kept)


def _joined(design: FormulaDesign, table: Any) -> pl.DataFrame:
    """New rows of a formula of all columns."""
    from taut.data.formulas.every_column import joined  # which learns by way of this file

    offset = design.offsets[0].name if design.offsets else None
    features = [column.name for column in design.columns if column.name != offset]
    return joined(table, features, offset, design.of == "columns")


def _known(component: Component, array: np.ndarray) -> np.ndarray:
    """Values of the kind that was learned."""
    kind = "numeric" if array.ndim == 2 else "categorical"
    width = len(component.shift) if kind == "numeric" else 0
    if kind != component.kind or width != (array.shape[1] if array.ndim == 2 else 0):
        raise DataError(f"'{component.name}' was {component.kind} in the fit, and is {kind} here.")
    return array


def assembled(
    design: FormulaDesign,
    frame: pl.DataFrame,
    factors: Mapping[str, pl.Series],
    values: Mapping[str, np.ndarray],
    rows: Rows,
    new_groups: NewGroups,
    kept: np.ndarray,
) -> FormulaRows:
    """Rows from the values of the components."""
    components = design.by_name
    groups = [g for group in design.groups for g in group.rows(factors, components, values, new_groups)]
    response = design.response
    answered = response.rows(frame, lambda whole: computed(response, whole))
    X = matrix(design.terms, components, values, rows.n)
    return FormulaRows(X, offset_of(design.offsets, rows), tuple(groups), answered, kept, rows.columns)
