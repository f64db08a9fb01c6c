"""The response of a formula: a column as it is, successes among trials, or times that may be censored."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from taut.core.schema import ANYTHING, TEXT, each, entries, maybe, one_of, whole
from taut.data.formulas.component import spelt
from taut.data.formulas.states import check
from taut.data.tables.columns import Column
from taut.data.wording import brief, quoted, suggestion
from taut.errors import DataError

Kind = Literal["column", "expression", "proportion", "censored"]
RECORD = entries(
    {
        "name": TEXT,
        "kind": one_of("column", "expression", "proportion", "censored"),
        "columns": each(TEXT),
        "success": maybe(TEXT),
        "trials": maybe(whole(1)),
        "kinds": each(one_of("numeric", "categorical", "boolean")),
        "states": each(ANYTHING),
    }
)
"""What `Response.to_json` gives."""


class ResponseRows(NamedTuple):
    """The response of rows; likelihoods look at what it holds.

    Attributes:
        name: as in the formula.
        values: `[n]`, the column as it is (numbers, text, true/false), successes, or times; None where it is absent.
        success: the level that counts as 1, where the formula says it.
        trials: `[n]`, of successes / trials, else None.
        event: `[n]`, 1 where the time was observed and 0 where it was censored, else None.
    """

    name: str
    values: pl.Series | None
    success: str | None = None
    trials: np.ndarray | None = None
    event: np.ndarray | None = None


@dataclass(frozen=True)
class Response:
    """What stands before '~'.

    Attributes:
        name: as in the formula.
        kind: "column" `y` or `y["level"]`; "expression" `log(y)`; "proportion" `successes / trials` or
            `p(successes, trials)`; "censored" `censored(time, event)`.
        columns: of the table, in this order.
        success: a level that counts as 1 (of the event in `censored(time, event["level"])`).
        trials: where they are the same for all rows.
        kinds: what the columns held when they were learned from.
        states: what functions of an expression remember.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    success: str | None = None
    trials: int | None = None
    kinds: tuple[Literal["numeric", "categorical", "boolean"], ...] = ()
    states: tuple[dict, ...] = ()

    @property
    def plain_name(self) -> str:
        """The name of what is counted or measured: the successes, the time, the column without its level."""
        return self.name if self.kind == "expression" else self.columns[0]

    def of(self, frame: pl.DataFrame) -> "Response":
        """The same with the kinds that its columns have in a table.

        Raises:
            DataError: dates, or nested values; a success that does not occur.
        """
        kinds = []
        for series in (frame[name] for name in self.columns):
            dtype = series.dtype
            if dtype.is_numeric():
                kinds.append("numeric")
            elif dtype == pl.Boolean or dtype in (pl.String, pl.Categorical, pl.Enum):
                kinds.append("boolean" if dtype == pl.Boolean else "categorical")
            else:
                raise DataError(
                    f"The response '{series.name}' is of type {dtype}: numbers, text or true/false are needed."
                )
        if self.kind == "column" and self.success is not None:
            levels = [spelt(value) for value in frame[self.columns[0]].drop_nulls().unique().sort().to_list()]
            if self.success not in levels:
                raise DataError(
                    f"'{self.name}' never holds '{self.success}'.{suggestion(self.success, levels)} It holds "
                    f"{quoted(levels)}."
                )
        return replace(self, kinds=tuple(kinds))

    @property
    def sources(self) -> tuple[Column, ...]:
        """Its columns, to be read by their kinds."""
        return tuple(Column(name, kind) for name, kind in zip(self.columns, self.kinds, strict=True))

    def rows(self, frame: pl.DataFrame, computed: Callable[[pl.DataFrame], pl.Series]) -> ResponseRows | None:
        """The response of a table's rows, missing values null; None where it has no such column.

        Args:
            frame: the table, `[n]` rows.
            computed: values of an expression on rows without missing values.

        Raises:
            DataError: successes, trials or times that are no numbers; an event that is not true/false.
        """
        there = [name for name in self.columns if name in frame.columns]
        if self.kind == "proportion":
            return self._proportion(frame) if self.columns[-1] in there else None
        if len(there) < len(self.columns):
            return None
        first = frame[self.columns[0]]
        if self.kind == "column":
            return ResponseRows(self.name, self._as_learned(first), self.success)
        if self.kind == "censored":
            return ResponseRows(self.name, _numbers(first, "times"), None, None, self._event(frame[self.columns[1]]))
        whole_rows = frame.select(pl.all_horizontal(pl.col(self.columns).is_not_null())).to_series()
        if whole_rows.all():
            return ResponseRows(self.name, computed(frame))
        values = computed(frame.filter(whole_rows))
        place = whole_rows.cum_sum().cast(pl.Int64) - 1
        return ResponseRows(
            self.name, pl.Series(self.name, [values[i] if t else None for i, t in zip(place, whole_rows, strict=True)])
        )

    def _as_learned(self, series: pl.Series) -> pl.Series:
        """The column as it is; text of a later file as what it was learned to hold."""
        if series.dtype != pl.String or self.kinds[0] == "categorical":
            return series
        values = self.sources[0].read(series)
        return values == 1 if self.kinds[0] == "boolean" else values

    def _proportion(self, frame: pl.DataFrame) -> ResponseRows:
        known = self.columns[0] in frame.columns
        values = _numbers(frame[self.columns[0]], "successes") if known else None
        if self.trials is not None:
            return ResponseRows(self.name, values, None, np.full(frame.height, float(self.trials)))
        return ResponseRows(self.name, values, None, _numbers(frame[self.columns[1]], "trials").to_numpy())

    def _event(self, series: pl.Series) -> np.ndarray:
        if self.success is not None:
            text = series.cast(pl.String)
            if not (text == self.success).any():
                raise DataError(
                    f"'{series.name}' never holds '{self.success}', which is said to be the event."
                    f"{suggestion(self.success, text.drop_nulls().unique().to_list())}"
                )
            return (text == self.success).cast(pl.Float64).to_numpy()
        text = series.cast(pl.String).str.to_lowercase().str.replace(r"\.0$", "")
        values = text.replace_strict(
            {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}, default=None, return_dtype=pl.Float64
        )
        if (wrong := series.is_not_null() & values.is_null()).any():
            raise DataError(
                f"'{series.name}' says which times were observed: true/false or 1/0 are needed, and it holds "
                f"{quoted(series.filter(wrong).unique().sort().to_list(), 4)}. Name the level that is the event: "
                f'censored(time, {series.name}["level"]).'
            )
        return values.to_numpy()

    def to_json(self) -> dict:
        """The response as a dict for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Any) -> "Response":
        """Rebuild a response from `to_json`.

        Raises:
            ValueError: not what `to_json` gives.
        """
        RECORD.check(saved, "response")
        check(saved["states"])
        columns, kind = tuple(saved["columns"]), saved["kind"]
        needed = {"column": 1, "censored": 2, "proportion": 1 if saved["trials"] else 2}.get(kind, max(1, len(columns)))
        if not len(columns) == len(saved["kinds"]) == needed:
            raise ValueError(f"a response of kind {kind} has {needed} columns, and {len(columns)} are there")
        given = {name: saved[name] for name in ("name", "kind", "success", "trials")}
        return cls(**given, columns=columns, kinds=tuple(saved["kinds"]), states=tuple(saved["states"]))


def _numbers(series: pl.Series, what: str) -> pl.Series:
    """A column of numbers, from text too."""
    values = series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series
    numbers = values.cast(pl.Float64, strict=False) if not values.dtype.is_nested() else pl.Series([None] * len(series))
    wrong = (series.is_not_null() & numbers.is_null()).arg_true()
    if len(wrong) or series.dtype.is_temporal():
        row = wrong[0] if len(wrong) else 0
        raise DataError(
            f"'{series.name}' holds {what}, which are numbers, and '{brief(series[row])}' in row {row + 1} (rows count "
            "from 1): correct it."
        )
    return numbers
