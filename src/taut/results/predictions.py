"""Predictions: the named tuple of columns that a regression makes, which becomes a table of the kind that came in."""

import functools
import sys
from typing import Any, NamedTuple

import numpy as np

NO_CHECKS: dict[str, str] = dict.fromkeys(
    ["check", "loo"],
    "Predictive checks and leave-one-out are of regressions by formula ('y ~ x'), and this fit is none.",
)
"""What a fit without them answers where it is asked for them."""


def no_prediction(hint: str) -> dict[str, str]:
    """What a fit that predicts nothing answers wherever it is asked for a prediction."""
    return dict.fromkeys(("predict", "predict_rows", "with_decimal"), hint)


def framed(prediction: Any, index: Any = None, levels: tuple[str, ...] = ()) -> Any:
    """The same named tuple, which is shown as a table and has `to_frame()`.

    Args:
        prediction: A named tuple of columns `[n]`.
        index: The index of its Pandas table, see `index_of`; None where it is to be one of Polars.
        levels: Names of the second axis of columns `[n, K]`.
    """
    made = _with_frame(type(prediction))._make(prediction)
    made.index, made.levels = index, levels
    return made


def in_place(columns: dict[str, np.ndarray], kept: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of the rows that are kept as columns of all rows, NaN where one was left out.

    Example:
        >>> in_place({"mean": np.array([1.0, 2.0])}, np.array([True, False, True]))
        {'mean': array([ 1., nan,  2.])}
    """
    found = {name: np.full(len(kept), np.nan) for name in columns}
    for name, values in columns.items():
        found[name][kept] = values
    return found


def index_of(rows: Any, kept: np.ndarray) -> Any:
    """The index of a Pandas table of the rows that are kept; None for any other table."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(rows, pandas.DataFrame):
        return None
    return rows.index[kept]


@functools.cache
def _with_frame(kind: type[NamedTuple]) -> Any:
    """The named tuple `kind` with what `Framed` has: each regression has a named tuple of its own."""
    return type(kind.__name__, (Framed, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__, "plain": kind})


class Framed:
    """What a prediction can do beside being a tuple.

    Attributes:
        plain: The named tuple of the model.
        index: Index of the Pandas table that it is of, or None.
        levels: Names of the second axis of columns `[n, K]`, each of which becomes K columns of the table.
    """

    plain: Any
    index: Any = None
    levels: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """All columns by name: "probability[setosa]"."""
        found = {}
        for name, values in self.plain._asdict(self).items():
            wide = {f"{name}[{level}]": values[:, k] for k, level in enumerate(self.levels)}
            found |= wide if values.ndim > 1 else {name: values}
        return found

    def to_frame(self) -> Any:
        """A table of the columns: of Pandas with the same index where the rows came as such, else of Polars."""
        columns = self.columns()
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
