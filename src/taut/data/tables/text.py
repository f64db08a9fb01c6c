"""Text without types (a CSV file, an array of strings) becomes columns with types."""

import polars as pl

from taut.data.tables.numbers import plain

MISSING = ("na", "n/a", "#n/a", "nan", "null")
"""What stands for a missing value in a CSV file, in small or capital letters, besides an empty field."""


def typed(series: pl.Series, decimal: str = ".") -> pl.Series:
    """Give a column of text the narrowest type that holds *all* its values, else leave it text.

    In this order: whole number, number, true/false, date. One value that does not fit leaves the column
    text, so nothing is lost here; whether text is acceptable is for `Column.learn` to say. Numbers that begin
    with a zero (007) are codes, and dates with a time of day would lose it: they stay text as well.

    Args:
        series: text, `[n]`.
        decimal: the decimal mark.

    Returns:
        `[n]`, blanks around values removed and missing values null.

    Example:
        >>> typed(pl.Series("age", ["31", " 4", "NA", ""])).to_list()
        [31, 4, None, None]
        >>> typed(pl.Series("age", ["31", "unknown"])).to_list()
        ['31', 'unknown']
        >>> typed(pl.Series("size", ["1,5", "2"]), ",").to_list()
        [1.5, 2.0]
    """
    text = stripped(series)
    present = text.drop_nulls()
    if not present.str.contains(r"^[+-]?0\d").any():
        if present.cast(pl.Int64, strict=False).null_count() == 0:
            return text.cast(pl.Int64)
        if plain(present, decimal).null_count() == 0:
            return plain(text, decimal)
    if present.str.to_lowercase().is_in(["true", "false"]).all():
        return text.str.to_lowercase() == "true"
    # Dates are refused later on: recognising them gives that refusal its reason.
    dates = text.str.to_date("%Y-%m-%d", strict=False)
    return dates if dates.null_count() == text.null_count() else text


def stripped(series: pl.Series) -> pl.Series:
    """Text without the blanks around it, null where it stands for a missing value."""
    text = series.str.strip_chars()
    return text.set(text.str.to_lowercase().is_in(["", *MISSING]), None)
