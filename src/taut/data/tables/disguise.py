"""Text that is something else: numbers, dates, codes and identifiers that would become hundreds of categories."""

import re

import numpy as np
import polars as pl

from taut.data.tables import dates, numbers
from taut.data.tables.choices import said
from taut.data.wording import quoted

NEARLY_ALL = 0.9
"""Share of a column's values that must look alike to be taken for something else than text."""
MANY = 20
"""Levels that any categorical may have. With more it needs ten rows a level, fifty where its values hold digits."""
ROWS = 50
"""Rows for each level with which codes that begin with a letter are categories."""
FEW_DOSES = 10
"""Numbers with a unit that may be the names of groups; with more of them they are measurements."""
SURE = 20
"""Fewest rows in which whole numbers without a gap are taken for the numbers of the rows."""
PHONE_DIGITS = 8
IDENTIFYING = re.compile(
    r"(?i:^(.*[\W_])?(id|ids|idx|index|uuid|row|nr|no|number|rownames?|unnamed.*)$)|.*[a-z](ID|Id)$"
)
MONEY = r"[$€£¥₹%]|[A-Z]{3}|kr|zł"
MEASURE = r"^[+-]?[\d.,]+\s*[A-Za-zµ°Ω%²³/]+$"
DIGITS = r"^[+-]?[\d.,' \u{a0}\u{202f}]+(?:[eE][+-]?\d+)?$"
RANGE = r"^\D{0,3}(\d+)\s*(?:-|–|to|\.\.)\s*(\d+)\D*$"
BIN = r"^[\[(]\s*-?[\d.]+\s*[,;]\s*-?[\d.]+\s*[\])]$"


def of_text(series: pl.Series) -> str | None:
    """What text seems to be if it is no category, with the remedies; None if it may be one.

    Args:
        series: text without missing values.

    Example:
        >>> of_text(pl.Series("size", ["1,5", "2,5", "1,5"])).splitlines()[0][:60]
        "'size' is text, and its values look like numbers: '1,5', '2,"
        >>> of_text(pl.Series("age", ["10-20", "20-30", "65+"])) is None
        True
    """
    name, levels = series.name, series.unique(maintain_order=True)
    shown = quoted(levels.to_list(), 3)
    others = f"leave it out ({said('drop', name)}) or keep its values as categories ({said('categorical', name)})"
    if dates.forms(series, NEARLY_ALL):
        return is_dates(name, f"as text, {shown}")
    if _share(series, numbers_written(series)) >= NEARLY_ALL:
        comma = numbers.plain(series, ",").null_count() <= (1 - NEARLY_ALL) * len(series)
        whole = "say that the comma is the decimal mark (columns=Columns(decimal=',')), " if comma else ""
        return (
            f"'{name}' is text, and its values look like numbers: {shown}. To use them as numbers {whole}"
            f"correct the values, or say that they are ({said('numeric', name)}); else {others}."
        )
    group = ~_ranges(series)
    coded = _share(series, series.str.contains(r"\d") & group) >= NEARLY_ALL and len(levels) > len(series) / ROWS
    if len(levels) > MANY and (coded or _share(series, series.str.contains(r"^\W*\d") & group) >= NEARLY_ALL):
        return (
            f"'{name}' is text with {len(levels)} different values in {len(series)} rows, and nearly all of them hold "
            f"digits: {shown}. It looks like numbers in words, codes or an identifier: {others}; if they are numbers "
            f"say so ({said('numeric', name)})."
        )
    if len(levels) > max(MANY, len(series) / 10):
        return (
            f"'{name}' is text with {len(levels)} different values in {len(series)} rows, which looks like an "
            f"identifier or free text. Each value would become a column: {others}, or group its values into fewer."
        )
    return None


def is_dates(name: str, what: str) -> str:
    """The refusal of dates, with what can be done."""
    return (
        f"'{name}' holds dates or times ({what}): turn them into numbers, days since the first "
        f"(columns=Columns(dates='number')), leave it out ({said('drop', name)}), or keep its values as categories "
        f"({said('categorical', name)})."
    )


def numbers_written(series: pl.Series) -> pl.Series:
    """Which values are numbers with a decimal comma, marks between thousands, a currency or a unit: bool `[n]`."""
    bare = series.str.replace(rf"^\s*([+-]?)\s*(?:{MONEY})\s*", "$1").str.replace(rf"\s*(?:{MONEY})\s*$", "")
    coded = series.str.contains(r"^[A-Z]{3}\d") & ~series.str.contains(r"[.,]")  # ICD10 is a code and no money
    point, comma = (numbers.written(bare, mark).is_not_null() for mark in numbers.MARKS)
    found = (point | comma) & bare.str.contains(DIGITS)
    if series.str.contains(MEASURE).all() and series.str.replace(r"^[+-]?[\d.,]+\s*", "").n_unique() == 1:
        return found | (series.n_unique() > FEW_DOSES)
    return found & ~coded


def of_numbers(name: str, values: np.ndarray) -> str | None:
    """What whole numbers seem to be if they measure nothing, with the remedies; None if they may be numbers.

    Args:
        name: of the column.
        values: `[n]`, without missing values.

    Example:
        >>> of_numbers("id", np.arange(1.0, 41.0))[:30]
        "'id' seems to number the rows:"
        >>> of_numbers("age", np.array([30.0, 31.0, 30.0])) is None
        True
    """
    n = len(values)
    if n < SURE or np.any(values != np.floor(values)):
        return None
    low, high = values.min(), values.max()
    remedies = f"leave it out ({said('drop', name)}), or say that it is a number ({said('numeric', name)})"
    if written_days(values):
        return f"{is_dates(name, f'as whole numbers, {low:.0f}')} If they are numbers say so ({said('numeric', name)})."
    if len(np.unique(values)) < n:
        return None
    consecutive = high - low == n - 1 and low in (0, 1)
    if consecutive or IDENTIFYING.match(name):
        return (
            f"'{name}' seems to number the rows: {n} different whole numbers in {n} rows. It tells nothing: {remedies}."
        )
    if low >= 10 ** (PHONE_DIGITS - 1) and len(str(int(low))) == len(str(int(high))):
        return (
            f"'{name}' looks like an identifier: {n} different numbers of {len(str(int(low)))} digits in {n} rows: "
            f"{remedies}."
        )
    return None


def written_days(values: np.ndarray) -> bool:
    """Whether whole numbers are days such as 20190215.

    Example:
        >>> written_days(np.repeat(20190215.0, SURE)), written_days(np.repeat(20190232.0, SURE))
        (True, False)
    """
    if len(values) < SURE or values.min() < 19000101 or values.max() > 21001231:
        return False
    return bool(dates.forms(pl.Series(values.astype(np.int64)).cast(pl.String)))


def _ranges(series: pl.Series) -> pl.Series:
    """Which values are ranges, as of ages: '10-20', '[10, 20)'."""
    low, high = (series.str.extract(RANGE, i).cast(pl.Int64, strict=False) for i in (1, 2))
    return (low < high).fill_null(False) | series.str.contains(BIN)


def _share(series: pl.Series, mask: pl.Series) -> float:
    return float(mask.fill_null(False).sum() or 0) / max(len(series), 1)
