"""One column of a table: of which kind it is, and the columns of the design matrix that it becomes."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from taut.data.wording import quoted
from taut.errors import DataError

Kind = Literal["numeric", "categorical", "boolean"]


@dataclass(frozen=True)
class Column:
    """A source column: what was seen when the design was learned.

    Attributes:
        name: in the table; x0, x1, ... for an array.
        kind: "numeric", "categorical" or "boolean" (true/false, which become 1/0).
        levels: of a categorical, in order (alphabetical, or the order of a Polars Enum). The first has no
            column of its own: it is what the others are compared with.

    Example:
        >>> column = Column.learn(pl.Series("job", ["clerk", "baker", "clerk", "cook"]))
        >>> column.levels, column.names
        (('baker', 'clerk', 'cook'), ('job=clerk', 'job=cook'))
        >>> column.encode(column.read(pl.Series("job", ["cook", "baker"]))).tolist()
        [[0.0, 1.0], [0.0, 0.0]]
    """

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()

    @classmethod
    def learn(cls, series: pl.Series) -> "Column":
        """Record kind and levels.

        Raises:
            DataError: dates or another type that is no number, text or true/false; a categorical with one
                level, or with more than max(20, n / 2) of them, which is an identifier.
        """
        column = cls(series.name, kind_of(series))
        if column.kind != "categorical":
            return column
        levels = ordered(series)
        if len(levels) < 2:
            raise DataError(f"'{series.name}' is always {quoted(levels)}: a constant column tells nothing. Drop it.")
        if len(levels) > max(20, len(series) / 2):
            raise DataError(
                f"'{series.name}' is text with {len(levels)} different values in {len(series)} rows, which "
                "looks like an identifier: drop it, or group its values into fewer."
            )
        return replace(column, levels=levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that this one becomes in the design matrix."""
        if self.kind == "categorical":
            return tuple(f"{self.name}={level}" for level in self.levels[1:])
        return (self.name,)

    def read(self, series: pl.Series) -> pl.Series:
        """Take new values as this kind of column: `[n]` float64, or text if categorical; missing stays null.

        Raises:
            DataError: another kind of value than was learned from.
        """
        if series.dtype.is_temporal() or series.dtype.is_nested():
            raise DataError(f"'{self.name}' is of type {series.dtype}, and was {self.kind} in the fit.")
        if self.kind == "categorical":
            return series.cast(pl.String)
        if self.kind == "numeric" and series.dtype == pl.Float64:
            return series
        if (offender := first_not_a_number(series)) is not None:
            row, value = offender
            expected = "numbers" if self.kind == "numeric" else "true/false"
            raise DataError(
                f"'{self.name}' held {expected} in the fit, and holds '{value}' in row {row} here (rows "
                "count from 1): correct it."
            )
        declared = series.dtype in (pl.Categorical, pl.Enum)  # these would be cast to their codes
        values = (series.cast(pl.String) if declared else series).cast(pl.Float64)
        if self.kind == "boolean" and not values.drop_nulls().is_in([0.0, 1.0]).all():
            raise DataError(f"'{self.name}' was true/false in the fit, and holds other numbers here.")
        return values

    def encode(self, values: pl.Series) -> np.ndarray:
        """Columns of the design matrix, `[n, len(names)]` float64, before standardisation.

        Args:
            values: from `read`, none missing.

        Raises:
            DataError: a level that was not there to learn from.
        """
        if self.kind != "categorical":
            return values.to_numpy()[:, None]
        if unseen := sorted(set(values.unique()) - set(self.levels)):
            raise DataError(
                f"'{self.name}' holds {quoted(unseen)}, which the fit has not seen. It knows "
                f"{quoted(self.levels, 20)}: correct the value, leave the row out, or fit again with it."
            )
        return np.column_stack([(values == level).to_numpy() for level in self.levels[1:]]).astype(float)


def kind_of(series: pl.Series) -> Kind:
    """Kind of a column, refused where a guess would be needed.

    Raises:
        DataError: dates or nested values; text of which more than half is numbers.
    """
    dtype = series.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric() or dtype == pl.Null:  # Null: nothing but missing values, which the design reports
        return "numeric"
    if dtype in (pl.Categorical, pl.Enum):
        return "categorical"
    if dtype.is_temporal():
        raise DataError(
            f"'{series.name}' holds dates or times ({dtype}): turn them into numbers (say days since the "
            "first), into text (say the month), or drop the column."
        )
    if dtype != pl.String:
        raise DataError(f"'{series.name}' is of type {dtype}: numbers, text or true/false are needed.")
    present = series.drop_nulls()
    parsed = len(present) - present.cast(pl.Float64, strict=False).null_count()
    if parsed > len(present) / 2:
        row, value = first_not_a_number(series) or (None, None)
        but = "" if row is None else f", but row {row} (rows count from 1) holds '{value}'"
        raise DataError(
            f"'{series.name}' is text, and {parsed} of its {len(present)} values are numbers{but}. "
            "If it is a number correct it (in a CSV file a missing value is an empty field or NA); if its "
            "numbers are codes put a letter before them, or declare it Categorical."
        )
    return "categorical"


def first_not_a_number(series: pl.Series) -> tuple[int, str] | None:
    """The first value that is not a number, with its row counted from 1; None if there is none."""
    if series.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    text = series.cast(pl.String)
    offending = (text.is_not_null() & text.cast(pl.Float64, strict=False).is_null()).arg_true()
    return None if offending.is_empty() else (offending[0] + 1, text[offending[0]])


def ordered(series: pl.Series) -> tuple:
    """Distinct values, missing ones aside: sorted, or in the declared order of a Polars Enum."""
    present = series.drop_nulls().unique()
    if series.dtype == pl.Enum:  # sorts in its own order already
        return tuple(present.sort().cast(pl.String))
    return tuple((present.cast(pl.String) if series.dtype == pl.Categorical else present).sort())
