"""What becomes of the rows of a formula when one column of the table changes: by little, or to another level."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from taut.data.formulas.applying import offset_of
from taut.data.formulas.component import spelt
from taut.data.formulas.design import FormulaDesign
from taut.data.formulas.evaluating import Rows, values_of
from taut.data.formulas.terms import matrix
from taut.data.formulas.tokens import scanned
from taut.data.formulas.trees import columns_of, parsed

STEP = 1e-4
"""Length of a step, in sds of the column."""
SMOOTH = 1e-3
"""Most by which slopes of two steps may differ, as a share of the largest: beyond it a function jumps."""

Parts = tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]
"""X `[n, P]`, Z `[n, q]` of each group term, and the offset `[n]`."""


class Slope(NamedTuple):
    """A column of numbers that grows.

    Attributes:
        name: of the column.
        parts: derivatives of the rows in it, row by row.
    """

    name: str
    parts: Parts


class Contrast(NamedTuple):
    """A level of a column against its first.

    Attributes:
        column: its name.
        name: with the level: "job[cook]".
        against: the other level.
        parts: the rows where all have the level.
        others: the rows where all have the other.
    """

    column: str
    name: str
    against: str
    parts: Parts
    others: Parts


def changes(design: FormulaDesign, columns: Mapping[str, np.ndarray]) -> Iterator[Slope | Contrast]:
    """Every change of a column that stands in a term.

    A column of numbers that stands in a function with jumps, such as `I(x > 3)`, has none.

    Args:
        design: what the formula learned.
        columns: of the rows, by name: those that terms and offsets are made of, `[n]` each.

    Example:
        >>> import polars as pl
        >>> from taut.data.formulas.learning import prepare_formula
        >>> data = prepare_formula("y ~ I(x**2)", pl.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [1, 2, 3, 4]}))
        >>> (slope,) = changes(data.design, data.rows.columns)
        >>> (slope.parts[0][:, 1] * data.design.components[0].scale).round(6).tolist()  # 2 x
        [2.0, 4.0, 6.0, 8.0]
    """
    for column in design.columns:
        used = [c for c in design.components if column.name in _made_of(c.name, c.called)]
        if not used:
            continue  # it stands in an offset alone
        numeric = column.measured and any(c.kind == "numeric" for c in used)
        if not numeric:
            yield from _contrasts(design, columns, column.name, column.measured)
        elif all(c.kind == "numeric" for c in used):
            yield from _slope(design, columns, column.name)


def _made_of(name: str, called: bool) -> list[str]:
    return columns_of(parsed(scanned(name))) if called else [name]


def _parts(design: FormulaDesign, columns: Mapping[str, np.ndarray]) -> Parts:
    """The rows as the design codes them."""
    rows = Rows(len(next(iter(columns.values()))), columns)
    values = {c.name: values_of(c.name, c.called, rows, c.states).array for c in design.components}
    X, Z = matrix(design.terms, design.by_name, values, rows.n), []
    for group in design.groups:
        whole = matrix(group.terms, design.by_name, values, rows.n)
        Z += [whole] if group.correlated else np.split(whole, whole.shape[1], axis=1)
    offset = offset_of(design.offsets, rows)
    return X, tuple(Z), np.zeros(rows.n) if offset is None else offset


def _slope(design: FormulaDesign, columns: Mapping[str, np.ndarray], name: str) -> Iterator[Slope]:
    """Differences of second order to one side, towards the middle, so that no value leaves those that were seen."""
    x = np.asarray(columns[name], float)
    step = np.full(len(x), STEP * x.std())
    if x.min() > 0:
        step = np.minimum(step, STEP * x)  # it may stand in a logarithm
    step = np.where(x > 0.5 * (x.min() + x.max()), -step, step)
    first = _parts(design, columns)

    def by(step):
        one, two = (_parts(design, {**columns, name: x + k * step}) for k in (1, 2))
        return _each(lambda a, b, c: ((-3 * a + 4 * b - c).T / (2 * step)).T, first, one, two)

    found, shorter = by(step), by(step / 2)
    largest = max((np.abs(part).max() for part in _flat(found) if part.size), default=0.0)
    apart = max((np.abs(a - b).max() for a, b in zip(_flat(found), _flat(shorter), strict=True) if a.size), default=0.0)
    if largest > 0 and apart <= SMOOTH * largest:
        yield Slope(name, found)


def _flat(parts: Parts) -> list[np.ndarray]:
    X, Z, offset = parts
    return [X, *Z, offset]


def _each(f: Any, *several: Parts) -> Parts:
    X, *Z, offset = (f(*parts) for parts in zip(*map(_flat, several), strict=True))
    return X, tuple(Z), offset


def _contrasts(
    design: FormulaDesign, columns: Mapping[str, np.ndarray], name: str, numbers: bool
) -> Iterator[Contrast]:
    """Of numbers, only where a level is a number: `C(x)`, and not `I(x > 3)`."""
    own = columns[name]
    values, where = np.unique(own, return_inverse=True)
    base, labels = 0, [spelt(value) for value in values.tolist()]
    rows = Rows(len(own), columns)
    for component in design.components:
        if component.kind != "categorical" or _made_of(component.name, component.called) != [name]:
            continue
        text = values_of(component.name, component.called, rows, component.states).array.astype(str)
        levels = [str(text[where == k][0]) for k in range(len(values))]
        if sorted(levels) == sorted(component.levels):
            order = [levels.index(level) for level in component.levels]
            values, labels, base = values[order], list(component.levels), component.base
            break
    else:
        if numbers:
            return

    def at(k):
        return _parts(design, {**columns, name: np.full(len(own), values[k], dtype=own.dtype)})

    others = at(base)
    for k, label in enumerate(labels):
        if k != base:
            yield Contrast(name, f"{name}[{label}]", labels[base], at(k), others)
