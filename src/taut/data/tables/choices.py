"""What a user says of a table's columns, in place of what would be assumed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import polars as pl

from taut.data.tables.numbers import MARKS
from taut.data.wording import quoted, suggestion
from taut.errors import ArgumentError, DataError

LISTS = ("drop", "only", "categorical", "numeric")
Dates = Literal["refuse", "number", "day-first", "month-first", "drop"]


@dataclass(frozen=True)
class Columns:
    """Which columns are features, and what they hold where their values alone do not say it.

    One name may be given as text, several as a list. The features of an array are called x0, x1, ...

    Attributes:
        drop: these are left out.
        only: these alone are features; all of them by default.
        categorical: these hold categories, whatever they look like: codes, zip codes, many levels.
        numeric: these hold numbers, whatever they look like: "1,234.50", "$ 12", "12 %", row numbers.
        dates: what becomes of dates. They are refused, dropped, or become a number, days since the first of them (times
            of day become hours). "day-first" and "month-first" are "number" for dates such as 03/04/2019.
        decimal: decimal mark of the numbers that are written as text.

    Example:
        >>> Columns(drop="id", dates="number").names("drop")
        ('id',)
    """

    drop: Any = ()
    only: Any = None
    categorical: Any = ()
    numeric: Any = ()
    dates: Dates = "refuse"
    decimal: str = "."

    def __post_init__(self) -> None:
        if self.dates not in get_args(Dates):
            raise ArgumentError(f"dates={self.dates!r} is none of {quoted(get_args(Dates))}.")
        if self.decimal not in MARKS:
            raise ArgumentError(f"decimal={self.decimal!r} is neither '.' nor ','.")
        for field in LISTS:
            object.__setattr__(self, field, _names(field, getattr(self, field)))
        if both := set(self.categorical) & set(self.numeric):
            raise ArgumentError(f"{quoted(sorted(both))} cannot be both categorical and numeric: choose one.")

    def names(self, field: str) -> tuple[str, ...]:
        """The names that a field holds, none where nothing was said."""
        return getattr(self, field) or ()

    def features(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns that are features.

        Raises:
            ArgumentError: there is no such column.
            DataError: none is left.
        """
        for field in LISTS:
            if absent := [name for name in self.names(field) if name not in frame.columns]:
                raise ArgumentError(
                    f"{said(field, absent[0])}: the features have no column '{absent[0]}'."
                    f"{suggestion(absent[0], frame.columns)} They are {quoted(frame.columns, 20)}."
                )
        chosen = frame.columns if self.only is None else self.only
        left = [name for name in frame.columns if name in chosen and name not in self.drop]
        if not left:
            raise DataError("No feature is left: keep at least one column.")
        return frame.select(left)


def said(field: str, *names: str) -> str:
    """How a choice is written in a message; the command line shows it as its option (`taut.cli.guard`).

    Example:
        >>> said("drop", "id")
        "columns=Columns(drop='id')"
    """
    return f"columns=Columns({field}={repr(names[0]) if len(names) == 1 else list(names)})"


def _names(field: str, given: Any) -> tuple[str, ...] | None:
    if given is None or isinstance(given, str):
        return None if given is None else (given,)
    names = tuple(given) if isinstance(given, Iterable) else (given,)
    if all(isinstance(name, str) for name in names):
        return names
    raise ArgumentError(f"{field}={given!r}: the name of a column or a list of names is needed.")


ASSUMED = Columns()
"""Nothing was said."""
