"""Of which kind a column is: by its type, by its text, or as the user says."""

from typing import Literal, NamedTuple

import polars as pl

from taut.data.tables import dates, disguise, numbers
from taut.data.tables.choices import ASSUMED, Columns, said
from taut.data.wording import brief
from taut.errors import DataError

Kind = Literal["numeric", "categorical", "boolean", "date"]


class Kinded(NamedTuple):
    """A kind, and how its values are written as text.

    Attributes:
        kind: of the column.
        decimal: decimal mark of numbers that are no plain ones; else "".
        affix: what stands around such numbers.
        form: of dates.
    """

    kind: Kind
    decimal: str = ""
    affix: str = ""
    form: str = ""


def kind_of(series: pl.Series, choices: Columns = ASSUMED) -> Kinded:
    """Kind of a column; refused where a guess would be needed.

    Raises:
        DataError: dates or nested values; text of which more than half is numbers, or that seems to be no category.
    """
    name, dtype = series.name, series.dtype
    if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object):
        raise DataError(
            f"'{name}' is of type {dtype}: numbers, text or true/false are needed. Convert it, or leave it out "
            f"({said('drop', name)})."
        )
    if name in choices.names("categorical"):
        return Kinded("categorical")
    if name in choices.names("numeric"):
        return _as_numbers(series, choices)
    if dtype == pl.Boolean:
        return Kinded("boolean")
    if choices.dates != "refuse" and dtype.is_integer() and disguise.written_days(series.drop_nulls().to_numpy()):
        return Kinded("date", form="%Y%m%d")
    if dtype.is_numeric() or dtype == pl.Null:  # Null: nothing but missing values, which the design reports
        return Kinded("numeric", _mark(choices))
    if dtype in (pl.Categorical, pl.Enum):
        return Kinded("categorical")
    if dtype.is_temporal():
        if choices.dates == "refuse":
            raise DataError(disguise.is_dates(name, str(dtype)))
        return Kinded("date", form=dates.TIME if dtype == pl.Time else "%Y-%m-%d")
    return _of_text(series, choices)


def _mark(choices: Columns) -> str:
    """The decimal mark of plain numbers, for the text of later files."""
    return "" if choices.decimal == "." else choices.decimal


def _of_text(series: pl.Series, choices: Columns) -> Kinded:
    present = series.drop_nulls()
    if present.is_empty():
        return Kinded("categorical")
    if choices.dates != "refuse" and (forms := dates.forms(present, disguise.NEARLY_ALL)):
        return Kinded("date", form=_one_form(series, forms, choices))
    if choices.decimal == "," and numbers.plain(present, ",").null_count() == 0:
        return Kinded("numeric", ",")
    parsed = len(present) - present.cast(pl.Float64, strict=False).null_count()
    if parsed > len(present) / 2:
        raise DataError(_numbers_and_text(series, parsed, len(present)))
    if suspicion := disguise.of_text(present):
        raise DataError(suspicion)
    return Kinded("categorical")


def _as_numbers(series: pl.Series, choices: Columns) -> Kinded:
    """A column that the user says holds numbers."""
    text = series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series
    if text.dtype == pl.String:
        if choices.decimal == "." and text.cast(pl.Float64, strict=False).null_count() == text.null_count():
            return Kinded("numeric")
        mark = numbers.decimal_mark(text) if choices.decimal == "." else choices.decimal
        mark = mark if mark and numbers.written(text, mark).null_count() == text.null_count() else None
        if mark is None:
            offending = min((numbers.written(text, m) for m in numbers.MARKS), key=lambda found: found.null_count())
            row = (text.is_not_null() & offending.is_null()).arg_true()[0]
            raise DataError(
                f"'{series.name}' cannot be read as numbers: row {row + 1} (rows count from 1) holds "
                f"'{brief(text[row])}'. Correct it, or write it as the others are."
            )
        return Kinded("numeric", mark, numbers.affix_of(text))
    if series.dtype.is_temporal():
        raise DataError(f"'{series.name}' holds dates or times: say columns=Columns(dates='number') to use them.")
    return Kinded("numeric", _mark(choices))


def _one_form(series: pl.Series, forms: list[str], choices: Columns) -> str:
    """The form of dates; where day and month cannot be told apart, the one that was asked for."""
    if choices.dates == "drop":
        return forms[0]
    whole = [form for form in forms if dates.in_units(series, form).null_count() == series.null_count()]
    if not whole:
        row = (series.is_not_null() & dates.in_units(series, forms[0]).is_null()).arg_true()[0]
        raise DataError(
            f"'{series.name}' holds dates, but row {row + 1} (rows count from 1) holds '{brief(series[row])}': correct "
            "it."
        )
    wanted = {"day-first": "%d", "month-first": "%m"}.get(choices.dates)
    chosen = whole if len(whole) == 1 else [form for form in whole if wanted and form.startswith(wanted)]
    if not chosen:
        raise DataError(
            f"'{series.name}' holds dates such as '{series.drop_nulls()[0]}', where the day cannot be told from the "
            "month: say columns=Columns(dates='day-first') or columns=Columns(dates='month-first')."
        )
    return chosen[0]


def _numbers_and_text(series: pl.Series, parsed: int, n: int) -> str:
    """The refusal of text that is mostly numbers."""
    name = series.name
    row, value = first_not_a_number(series) or (None, None)
    what = f"say that it is a category ({said('categorical', name)}) or a number ({said('numeric', name)})"
    coded = series.filter(series.str.contains(r"^[+-]?0\d").fill_null(False))
    if row is None and len(coded):
        return f"'{name}' holds numbers that begin with a zero ('{brief(coded[0])}'), as codes do: {what}."
    if row is None:
        return f"'{name}' is text, and {parsed} of its {n} values are numbers: {what}, or declare it Categorical."
    return (
        f"'{name}' is text, and {parsed} of its {n} values are numbers, but row {row} (rows count from 1) holds "
        f"'{brief(value)}'. If it is a number correct it (in a CSV file a missing value is an empty field or NA); if "
        f"its numbers are codes say so ({said('categorical', name)}), or declare it Categorical."
    )


def first_not_a_number(series: pl.Series) -> tuple[int, str] | None:
    """The first value that is not a number, with its row counted from 1; None if there is none."""
    offending = (series.is_not_null() & series.cast(pl.Float64, strict=False).is_null()).arg_true()
    return None if offending.is_empty() else (offending[0] + 1, series[offending[0]])
