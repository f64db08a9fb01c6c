"""Text without types (a CSV file, an array of strings) becomes columns with types."""

import polars as pl

MISSING = ("na", "n/a", "#n/a", "nan", "null")
"""What stands for a missing value in a CSV file, in small or capital letters, besides an empty field."""


def typed(series: pl.Series) -> pl.Series:
    """Give a column of text the narrowest type that holds *all* its values, else leave it text.

    In this order: whole number, number, true/false, date. One value that does not fit leaves the column
    text, so nothing is lost here; whether text is acceptable is for `Column.learn` to say.

    Args:
        series: text, `[n]`.

    Returns:
        `[n]`, blanks around values removed and missing values null.

    Example:
        >>> typed(pl.Series("age", ["31", " 4", "NA", ""])).to_list()
        [31, 4, None, None]
        >>> typed(pl.Series("age", ["31", "unknown"])).to_list()
        ['31', 'unknown']
    """
    text = series.str.strip_chars()
    text = text.set(text.str.to_lowercase().is_in(["", *MISSING]), None)
    present = text.drop_nulls()
    for number in (pl.Int64, pl.Float64):
        if present.cast(number, strict=False).null_count() == 0:
            return text.cast(number)
    if present.str.to_lowercase().is_in(["true", "false"]).all():
        return text.str.to_lowercase() == "true"
    # The first ten characters, so that a time of day behind the date does not hide it. Dates are refused
    # later on: recognising them gives that refusal its reason ("dates", not "hundreds of levels").
    dates = text.str.slice(0, 10).str.to_date(strict=False)
    return dates if dates.null_count() == text.null_count() else text
