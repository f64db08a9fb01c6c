"""Dates and times of day as people write them, and the numbers that they become."""

import datetime
import re
from itertools import product

import polars as pl

CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?\s*([AaPp])?\.?(?:[Mm]\.?)?\s*(?:Z|UTC|([+-]\d{2}):?(\d{2}))?"
MARKS = r"-/. "
NAMED = "[A-Za-z]{3,9}"
TIME = "time"
"""The form of a time of day without a date."""
SOME = 50


def _forms() -> dict[str, str]:
    """Patterns of the forms, by form; years of two digits and of four are told apart by the pattern."""
    forms = {}
    for mark, (year, digits) in product(MARKS, (("%Y", r"\d{4}"), ("%y", r"\d{2}"))):
        m = re.escape(mark)
        if year == "%Y":
            forms[f"%Y{mark}%m{mark}%d"] = rf"{digits}{m}\d{{1,2}}{m}\d{{1,2}}"
        for first, second in (("%d", "%m"), ("%m", "%d")):
            forms[f"{first}{mark}{second}{mark}{year}"] = rf"\d{{1,2}}{m}\d{{1,2}}{m}{digits}"
        for month in ("%b", "%B"):
            forms[f"%d{mark}{month}{mark}{year}"] = rf"\d{{1,2}}{m}{NAMED}{m}{digits}"
    for month in ("%b", "%B"):
        forms |= {f"{month} %d, %Y": rf"{NAMED} \d{{1,2}}, \d{{4}}", f"{month} %d %Y": rf"{NAMED} \d{{1,2}} \d{{4}}"}
    months = {f"%Y{m}%m": rf"(?:19|20)\d{{2}}{m}(?:0[1-9]|1[0-2])" for m in "-/"}
    return forms | months | {"%b %Y": rf"{NAMED} \d{{4}}", "%Y%m%d": r"(?:19|20)\d{6}"}


FORMS = _forms()


def forms(text: pl.Series, share: float = 1.0) -> list[str]:
    """The forms in which at least a share of the values that are there are dates or times of day.

    Two forms are left where nothing tells the day from the month.

    Example:
        >>> forms(pl.Series(["02/15/2019", "03/01/2019"])), forms(pl.Series(["03/04/19 12:30", "01/02/20"]))
        (['%m/%d/%Y'], ['%d/%m/%y', '%m/%d/%y'])
        >>> forms(pl.Series(["12:30", "7:05 pm"])), forms(pl.Series(["10-20", "65+"]))
        (['time'], [])
    """
    present = text.drop_nulls()
    found: list[str] = [*FORMS, TIME]
    for values in (present.head(SOME), present):  # most forms are ruled out by few values
        found = [form for form in found if in_units(values, form).null_count() <= (1 - share) * len(values)]
    # May is its own abbreviation.
    return [form for form in found if form.replace("%B", "%b") not in found or "%B" not in form]


def in_units(text: pl.Series, form: str) -> pl.Series:
    """Days since 1970, with the time of day as their fraction; hours for a time of day alone. Null where it is neither.

    Example:
        >>> in_units(pl.Series(["1970-01-02 12:00", "x"]), "%Y-%m-%d").to_list(), in_units(pl.Series(["7:30"]), TIME)[0]
        ([1.5, None], 7.5)
    """
    text = text.str.strip_chars()
    if form == TIME:
        return _hours(text.set(~text.str.contains(f"^{CLOCK}$"), None))
    date, clock = text.str.extract(rf"^({FORMS[form]})(?:[T ,]+{CLOCK})?$"), text.str.extract(rf"[T ,]+({CLOCK})$")
    if "%d" not in form:  # a month is its first day
        date, form = date + " 1", form + " %d"
    day = date.str.to_date(form, strict=False).cast(pl.Int32).cast(pl.Float64)
    return day + _hours(clock).fill_null(0.0) / 24


def day(number: float) -> str:
    """The date of a number of days since 1970.

    Example:
        >>> day(17942.0)
        '2019-02-15'
    """
    return (datetime.date(1970, 1, 1) + datetime.timedelta(number)).isoformat()


def of_type(series: pl.Series) -> pl.Series:
    """The same of a column whose type is a date, a date with a time, or a time."""
    if series.dtype == pl.Time:
        return series.cast(pl.Int64) / 3_600_000_000_000
    if series.dtype == pl.Date:
        return series.cast(pl.Int32).cast(pl.Float64)
    return series.dt.epoch("us") / 86_400_000_000


def _hours(clock: pl.Series) -> pl.Series:
    """Hours of the day, in world time where a zone is given."""
    hour, minute, second, half, zone, beyond = (pl.col("clock").str.extract(f"^{CLOCK}$", i) for i in range(1, 7))
    seconds = second.str.replace(",", ".", literal=True).cast(pl.Float64).fill_null(0.0)
    east = zone.cast(pl.Float64).fill_null(0.0)
    east = east + pl.when(zone.str.starts_with("-")).then(-1).otherwise(1) * beyond.cast(pl.Float64).fill_null(0.0) / 60
    hours = hour.cast(pl.Float64)
    afternoon = (
        pl.when(half.is_null())
        .then(hours)
        .otherwise(hours % 12 + 12 * (half.str.to_lowercase() == "p").cast(pl.Float64))
    )
    found = afternoon + minute.cast(pl.Float64) / 60 + seconds / 3600 - east
    return clock.alias("clock").to_frame().select(found.alias(clock.name)).to_series()
