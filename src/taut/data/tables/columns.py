"""One column of a table: of which kind it is, and the columns of the design matrix that it becomes."""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from taut.data.tables import dates, numbers
from taut.data.tables.choices import ASSUMED, Columns, said
from taut.data.tables.kinds import Kind, kind_of
from taut.data.wording import brief, quoted
from taut.errors import DataError


@dataclass(frozen=True)
class Column:
    """A source column: what was seen when the design was learned. New values are read by it, whatever they look like.

    Attributes:
        name: in the table; x0, x1, ... for an array.
        kind: "numeric", "categorical", "boolean" (true/false, which become 1/0) or "date" (days since the first).
        levels: of a categorical, in order (alphabetical, or the order of a Polars Enum). The first has no
            column of its own: it is what the others are compared with.
        decimal: decimal mark of numbers that are no plain ones as text: "1,5", "1,234.5", "$ 12"; else "".
        affix: what stands around such numbers: "$", "kg".
        form: how dates are written as text.
        origin: the first date, in days since 1970.
        fill: what stands in for a missing value; None where missing values are refused or dropped.
        of: the column of which this one says whether it is missing; "" for a column of the table.

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
    decimal: str = ""
    affix: str = ""
    form: str = ""
    origin: float = 0.0
    fill: float | str | None = None
    of: str = ""

    @classmethod
    def learn(cls, series: pl.Series, choices: Columns = ASSUMED) -> "Column":
        """Record kind and levels.

        Args:
            series: values, `[n]`.
            choices: what was said of the table's columns.

        Raises:
            DataError: dates that nothing was said of, or another type that is no number, text or true/false; a
                categorical with one level; what looks like numbers, codes or an identifier.
        """
        return cls.of_kind(series, choices).learned(series)

    def to_json(self) -> dict:
        """What was seen, without what is as by default."""
        always = {"name": self.name, "kind": self.kind, "levels": self.levels}
        others = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in always}
        defaults = {field.name: field.default for field in fields(self)}
        return always | {name: value for name, value in others.items() if value != defaults[name]}

    def with_decimal(self, mark: str) -> "Column":
        """The same for text whose numbers have this decimal mark."""
        if self.kind != "numeric":
            return self
        return replace(self, decimal=mark if self.decimal or mark != "." else "")

    @classmethod
    def of_kind(cls, series: pl.Series, choices: Columns = ASSUMED) -> "Column":
        """Record the kind alone, from values some of which may be missing."""
        return cls(series.name, **kind_of(series, choices)._asdict())

    def learned(self, series: pl.Series) -> "Column":
        """The same with its levels, or with the first date."""
        if self.kind == "date" and self.form != dates.TIME:
            first = self.read(series).min()
            return replace(self, origin=float(np.floor(first)) if isinstance(first, float) else 0.0)
        if self.kind != "categorical":
            return self
        levels = tuple(dict.fromkeys(self.read(in_order(series))))
        if len(levels) == 1:
            raise DataError(
                f"'{self.name}' is always {quoted(levels)}: a constant column tells nothing. Drop it "
                f"({said('drop', self.name)})."
            )
        return replace(self, levels=levels)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that this one becomes in the design matrix."""
        if self.kind == "categorical":
            return tuple(f"{self.name}={level}" for level in self.levels[1:])
        return (self.name,)

    @property
    def measured(self) -> bool:
        """Whether its values lie on a scale: numbers and dates."""
        return self.kind in ("numeric", "date")

    @property
    def source(self) -> str:
        """Name of the column of the table that it is read from."""
        return self.of or self.name

    def read(self, series: pl.Series) -> pl.Series:
        """Take new values as this kind of column: `[n]` float64, or text if categorical; missing stays null.

        Raises:
            DataError: another kind of value than was learned from.
        """
        if self.of:
            return series.is_null().cast(pl.Float64).alias(self.name)
        dtype = series.dtype
        if dtype == pl.Null:  # nothing but missing values
            values = series.cast(pl.String if self.kind == "categorical" else pl.Float64)
        elif dtype.is_nested() or dtype == pl.Duration or (dtype.is_temporal() and self.kind in ("numeric", "boolean")):
            raise DataError(f"'{self.name}' is of type {dtype}, and was {self.kind} in the fit.")
        else:
            values = READERS[self.kind](self, series)
        return values if self.fill is None else values.fill_null(self.fill)

    def encode(self, values: pl.Series) -> np.ndarray:
        """Columns of the design matrix, `[n, len(names)]` float64, before standardisation.

        Args:
            values: from `read`, none missing.

        Raises:
            DataError: a level that was not there to learn from.
        """
        if self.kind != "categorical":
            return values.to_numpy()[:, None]
        if unseen := sorted(set(values.drop_nulls().unique()) - set(self.levels)):
            raise DataError(
                f"'{self.name}' holds {quoted(unseen)}, which the fit has not seen. It knows "
                f"{quoted(self.levels, 20)}: correct the value, leave the row out, or fit again with it."
            )
        return np.column_stack([(values == level).cast(pl.Float64).to_numpy() for level in self.levels[1:]])

    def filled(self, values: pl.Series, weights: np.ndarray) -> "Column":
        """The same with what stands in for a missing value: the mean, or the most common level, by the weights."""
        there = values.is_not_null().to_numpy()
        if not there.any():
            raise DataError(f"'{self.name}' has no value at all: leave it out ({said('drop', self.name)}).")
        values, weights = values.filter(there), weights[there]
        if self.kind != "categorical":
            return replace(self, fill=float(np.average(values.to_numpy(), weights=weights)))
        totals = [weights[(values == level).to_numpy()].sum() for level in self.levels]
        return replace(self, fill=self.levels[int(np.argmax(totals))])


def _category(column: Column, series: pl.Series) -> pl.Series:
    """Text. Whole numbers and true/false are spelt as in a file; a level of other capitals is that level."""
    if series.dtype.is_float() and (series.drop_nulls() % 1 == 0).all():
        series = series.cast(pl.Int64)
    text = series.cast(pl.String)
    if series.dtype == pl.Boolean:
        spelt = {level.lower(): level for level in column.levels if level.lower() in ("true", "false")}
        text = text.replace(spelt)
    return text


def _number(column: Column, series: pl.Series) -> pl.Series:
    """Numbers, from text too."""
    if series.dtype == pl.Float64:
        return series
    if column.decimal and series.dtype == pl.String:
        values = numbers.written(series, column.decimal, column.affix)
    else:
        declared = series.dtype in (pl.Categorical, pl.Enum)  # these would be cast to their codes
        values = (series.cast(pl.String) if declared else series).cast(pl.Float64, strict=False)
    _refuse_others(column, series, values, "numbers")
    return values


def _truth(column: Column, series: pl.Series) -> pl.Series:
    """1 for true and 0 for false, in words too."""
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = series.cast(pl.String).str.to_lowercase().replace({"true": "1", "false": "0"})
        values = text.cast(pl.Float64, strict=False)
        _refuse_others(column, series, values, "true/false")
    else:
        values = series.cast(pl.Float64)
    if not values.drop_nulls().is_in([0.0, 1.0]).all():
        raise DataError(f"'{column.name}' was true/false in the fit, and holds other numbers here.")
    return values


def _date(column: Column, series: pl.Series) -> pl.Series:
    """Days since the first date that was learned from; hours of a time of day."""
    if series.dtype.is_temporal():
        return dates.of_type(series) - column.origin
    values = dates.in_units(series.cast(pl.String), column.form or "%Y-%m-%d")
    _refuse_others(column, series, values, "dates")
    return values - column.origin


READERS = {"categorical": _category, "numeric": _number, "boolean": _truth, "date": _date}
"""How new values are read, by kind."""


def _refuse_others(column: Column, series: pl.Series, values: pl.Series, expected: str) -> None:
    offending = (series.is_not_null() & values.is_null()).arg_true()
    if not offending.is_empty():
        row = offending[0]
        raise DataError(
            f"'{column.name}' held {expected} in the fit, and holds '{brief(series[row])}' in row {row + 1} here (rows "
            "count from 1): correct it."
        )


def in_order(series: pl.Series) -> pl.Series:
    """Distinct values, missing ones aside: sorted, or in the declared order of a Polars Enum."""
    present = series.drop_nulls()
    return (present.cast(pl.String) if series.dtype == pl.Categorical else present).unique().sort()
