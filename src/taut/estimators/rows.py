"""Rows of numbers as a regression by formula takes them: every column a term, standardised by given moments."""

from typing import Any

import numpy as np

from taut.data import Column, FormulaData, FormulaDesign, FormulaRows
from taut.data.formulas.component import Component
from taut.data.formulas.observed import Observed
from taut.data.formulas.reading import Prepared
from taut.data.formulas.response import Response
from taut.data.formulas.terms import INTERCEPT, Term
from taut.data.source import padded_size
from taut.estimators.base import Received, refuse_one_name

TARGET, OFFSET = "target", "offset"


def prepared(
    received: Received,
    seen: Observed,
    names: tuple[tuple[str, ...], bool],
    moments: tuple[tuple[float, ...], tuple[float, ...]],
    intercept: bool,
) -> Prepared:
    """The rows and the response, ready for a regression without a formula.

    Args:
        received: The rows; an offset is a column of its own.
        seen: The response as its likelihood takes it.
        names: Of the columns of X, and whether X had them.
        moments: Shifts and scales of the columns.
        intercept: Whether there is one.
    """
    columns, named = names
    own = [name for p in seen.likelihood.parameters(seen.spread) for name in p.names]
    refuse_one_name((*(INTERCEPT,) * intercept, *columns, *own))
    offset = OFFSET
    while offset in columns:
        offset += "_"
    offsets = () if received.offset is None else (Component(offset, False, offset, "numeric", (0.0,), (1.0,)),)
    design = FormulaDesign(
        f"{TARGET} ~ {'' if intercept else '0 + '}." + f" + offset({offset})" * len(offsets),
        tuple(Column(name, "numeric") for name in (*columns, *(part.name for part in offsets))),
        Response(TARGET, "column", (TARGET,), kinds=("numeric",)),
        tuple(
            Component(name, False, name, "numeric", (shift,), (scale,))
            for name, shift, scale in zip(columns, *moments, strict=True)
        ),
        (Term(INTERCEPT),) * intercept + tuple(Term(name, (name,), (False,)) for name in columns),
        offsets,
        (),
    ).of_columns(named)
    own = dict(zip(columns, received.X.T, strict=True))
    own |= {part.name: np.asarray(received.offset) for part in offsets}
    rows = matrix_rows(design, received.X, received.offset)._replace(columns=own)
    return Prepared(FormulaData(design, rows, received.weights, (), ()), seen)


def matrix_rows(design: FormulaDesign, X: np.ndarray, offset: np.ndarray | None, padded: bool = False) -> FormulaRows:
    """Rows of the design of `prepared`; padded with zeros, so that few sizes are compiled."""
    shift, scale = (np.array([getattr(c, name)[0] for c in design.components]) for name in ("shift", "scale"))
    coded: Any = (X - shift) / scale
    if design.intercept:
        coded = np.column_stack([np.ones(len(X)), coded])
    more = padded_size(len(X)) - len(X) if padded else 0
    coded = np.pad(coded, ((0, more), (0, 0)))
    offset = None if offset is None else np.pad(offset, (0, more))
    return FormulaRows(coded, offset, (), None, np.ones(len(coded), bool))
