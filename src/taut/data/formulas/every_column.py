"""Features and a response beside them, `(X, y)`, as the formula in which every column of X is a term."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from formulae.terms import Term, Variable

from taut.core.names import brief
from taut.data.formulas.design import FormulaData
from taut.data.formulas.learning import learn_formula
from taut.data.formulas.resolving import Atom, Resolved
from taut.data.formulas.response import Response
from taut.data.formulas.understanding import Understood
from taut.data.tables.choices import ASSUMED, Columns
from taut.data.tables.frames import as_frame, as_series
from taut.data.weights import checked_weights
from taut.errors import ArgumentError, DataError

OFFSET = "offset"


class Parts(NamedTuple):
    """What was received.

    Attributes:
        features: X as a table.
        named: whether its columns had names of their own.
        response: y.
        offset: what is added to the predictor; None where nothing was given.
    """

    features: pl.DataFrame
    named: bool
    response: pl.Series
    offset: pl.Series | None

    @property
    def frame(self) -> pl.DataFrame:
        """All of it as one table."""
        return self.features.with_columns([self.response, *([] if self.offset is None else [self.offset])])


def prepare_columns(
    data: Any, *, missing: str = "refuse", weights: Any = None, columns: Columns = ASSUMED
) -> FormulaData:
    """Learn the columns of X as terms, and the rows.

    More columns than rows, and columns that are sums of others, are fine: the prior decides what the data cannot.

    Args:
        data: `(X, y)` or `(X, y, offset)`: X `[N, C]` a table of Polars or pandas or an array without a column of ones;
            y `[N]`; offset `[N]`, what is added to the linear predictor, such as the log of an exposure.
        missing: "refuse" rows with a missing value, or "drop" them.
        weights: `[N]`, how often each row counts.
        columns: which columns are features, and what they hold.

    Raises:
        ArgumentError: something else than such a pair, columns that are not there.
        DataError: what is wrong with the columns.

    Example:
        >>> data = prepare_columns((pl.DataFrame({"age": [30, 50, 40], "job": ["a", "b", "a"]}), [1, 4, 2]))
        >>> data.design.formula, data.design.names, data.rows.X.shape
        ('target ~ .', ('Intercept', 'age', 'job[b]'), (3, 3))
        >>> data.design.rows([[20, "a"]]).X.round(2).tolist()
        [[1.0, -2.45, 0.0]]
    """
    received = _received(data, columns)
    name, terms = received.response.name, received.features.columns
    atoms = {column: Atom(column, False, 0) for column in terms}
    offsets = () if received.offset is None else (Atom(received.offset.name, False, 0),)
    fixed = Resolved(True, [Term(Variable(column)) for column in terms], offsets, atoms)
    made_of = (*terms, *(atom.name for atom in offsets))
    asked = Understood(
        Response(name, "column", (name,)), fixed, (), tuple(atoms.values()), offsets, made_of, (), tuple(terms)
    )
    formula = _written(name) + " ~ ." + "".join(f" + offset({_written(atom.name)})" for atom in offsets)
    given = checked_weights(weights, received.features.height)
    data = learn_formula(formula, asked, received.frame, missing, given, columns)
    design = data.design.of_columns(named=received.named)
    return data._replace(design=design)


def _received(data: Any, columns: Columns) -> Parts:
    """The parts, as many rows of each and each under a name of its own."""
    if not (isinstance(data, (tuple, list)) and len(data) in (2, 3)):
        raise ArgumentError(
            f"data={brief(data)}: Regression() without a formula takes (X, y), or (X, y, offset); for a table with the "
            "response among its columns give a formula, Regression('y ~ .')."
        )
    X, y, offset = (*data, None)[:3]
    frame, named = as_frame(X)
    response = as_series(y)
    if getattr(y, "name", None) in frame.columns:
        raise DataError(f"The target '{response.name}' is also among the features: remove it there.")
    features = columns.features(frame)
    response = response.alias(_free(response.name, frame.columns))
    if offset is not None:
        offset = as_series(offset).alias(_free(OFFSET, [*frame.columns, response.name]))
        if not offset.dtype.is_numeric():
            raise DataError(f"The offset is of type {offset.dtype}: one number for each row is needed.")
    for what, part in (("the target", response), ("the offset", offset)):
        if part is not None and len(part) != frame.height:
            raise DataError(f"There are {frame.height} rows of features and {len(part)} of {what}: give one for each.")
    return Parts(features, named, response, offset)


def _free(name: str, taken: list[str]) -> str:
    """The name, with strokes behind it until no column has it."""
    while name in taken:
        name += "_"
    return name


def _written(name: str) -> str:
    """A name as a formula has it."""
    return name if name.isidentifier() else f"`{name}`"


def joined(table: Any, features: list[str], offset: str | None, named: bool) -> pl.DataFrame:
    """New rows, X or `(X, offset)`, as the table that was learned from.

    Args:
        table: the rows; an array's columns go by position.
        features: names of the features.
        offset: name of the offset, or None.
        named: whether the features that were learned from had names.

    Raises:
        DataError: another number of columns; an offset where there was none, or none where there was one.
    """
    X, values = table if isinstance(table, tuple) and len(table) == 2 else (table, None)
    frame, own = as_frame(X)
    if not (named and own):
        if frame.width != len(features):
            raise DataError(f"{frame.width} columns were received, and the fit had {len(features)}.")
        frame = frame.rename(dict(zip(frame.columns, features, strict=True)))
    if values is not None:
        if offset is None:
            raise DataError("An offset was received, and the fit had none: give X alone.")
        values = as_series(np.broadcast_to(values, frame.height) if np.ndim(values) == 0 else values)
        if len(values) != frame.height:
            raise DataError(f"There are {frame.height} rows and {len(values)} offsets: give one for each.")
        frame = frame.with_columns(values.alias(offset))
    if offset is not None and offset not in frame.columns:
        raise DataError("The fit had an offset, and new rows need theirs: give (X, offset), an offset of 0 for none.")
    return frame
