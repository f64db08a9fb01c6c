"""Predictions: the named tuple of columns that a regression makes, which becomes a table of the kind that came in."""

import functools
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from taut.data import Design


def framed(prediction: Any, index: Any = None) -> Any:
    """The same named tuple, which is shown as a table and has `to_frame()`.

    Args:
        prediction: A named tuple of columns `[n]`.
        index: The index of its Pandas table, see `index_of`; None where it is to be one of Polars.
    """
    made = _with_frame(type(prediction))._make(prediction)
    made.index = index
    return made


def index_of(rows: Any, design: "Design") -> Any:
    """The index of a Pandas table without the rows that the design drops; None for any other table."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(rows, pandas.DataFrame):
        return None
    return rows.index[design.complete_rows(rows)] if design.missing == "drop" else rows.index


@functools.cache
def _with_frame(kind: type[NamedTuple]) -> Any:
    """The named tuple `kind` with what `Framed` has: each regression has a named tuple of its own."""
    return type(kind.__name__, (Framed, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__, "plain": kind})


class Framed:
    """What a prediction can do beside being a tuple.

    Attributes:
        plain: The named tuple of the model.
        index: Index of the Pandas table that it is of, or None.
    """

    plain: Any
    index: Any = None

    def to_frame(self) -> Any:
        """A table of the columns: of Pandas with the same index where the rows came as such, else of Polars."""
        columns = self.plain._asdict(self)
        if self.index is not None:
            return sys.modules["pandas"].DataFrame(columns, index=self.index)
        import polars as pl

        return pl.DataFrame(columns)

    def __repr__(self) -> str:
        return f"{self.plain.__name__}, to_frame() gives it as\n{self.to_frame()!r}"

    def _repr_html_(self) -> str:
        return self.to_frame()._repr_html_()

    def __reduce__(self) -> Any:
        return self.plain._make, (tuple(self),)  # type: ignore[call-overload]
