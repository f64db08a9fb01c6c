"""Numbers as people write them: with a decimal comma, marks between thousands, a currency, a per cent sign, a unit."""

import polars as pl

MARKS = {".": r"[,' \u{a0}\u{202f}]", ",": r"[.' \u{a0}\u{202f}]"}
"""What may stand between thousands, by the decimal mark."""
PLAIN = r"^[+-]?(?:\d+{mark}?\d*|{mark}\d+)(?:[eE][+-]?\d+)?$"


def plain(text: pl.Series, decimal: str) -> pl.Series:
    """Numbers without any sign but the decimal mark `decimal`; null where a value is none.

    Example:
        >>> plain(pl.Series(["1,5", "2", "1.5"]), ",").to_list()
        [1.5, 2.0, None]
    """
    if decimal == ".":
        return text.cast(pl.Float64, strict=False)
    fits = text.str.contains(PLAIN.replace("{mark}", decimal))
    return text.set(~fits, None).str.replace(decimal, ".", literal=True).cast(pl.Float64, strict=False)


def written(text: pl.Series, decimal: str, affix: str | None = None) -> pl.Series:
    """Numbers with marks between thousands, and the same letters or signs before or behind all of them; else null.

    Args:
        text: values.
        decimal: the decimal mark.
        affix: these letters or signs, which may also be absent; by default the most common ones.

    Example:
        >>> written(pl.Series(["$1,234.50", "$ 12"]), ".").to_list()
        [1234.5, 12.0]
        >>> written(pl.Series(["5 kg", "3 kg", "x"]), ".").to_list()
        [5.0, 3.0, None]
    """
    around, body = _parts(text)
    mark = "\\" + decimal
    grouped = rf"^[+-]?\d{{1,3}}(?:{MARKS[decimal]}\d{{3}})+(?:{mark}\d*)?$"
    fits = body.str.contains(grouped) | body.str.contains(PLAIN.replace("{mark}", mark))
    alike = around == affix_of(text) if affix is None else around.is_in(["", affix])
    body = body.str.replace_all(MARKS[decimal], "").str.replace(decimal, ".", literal=True)
    return body.set(~(fits & alike).fill_null(False), None).cast(pl.Float64, strict=False)


def affix_of(text: pl.Series) -> str:
    """The most common letters or signs around the numbers.

    Example:
        >>> affix_of(pl.Series(["$ 12", "$3", "4"]))
        '$'
    """
    present = _parts(text.drop_nulls())[0]
    return "" if present.is_empty() else present.mode().sort()[0]


def decimal_mark(text: pl.Series) -> str | None:
    """The decimal mark with which all values are numbers as people write them; a point if both do, None if neither.

    Example:
        >>> decimal_mark(pl.Series(["1.234,5", "7"])), decimal_mark(pl.Series(["1,234", "5,678"]))
        (',', '.')
    """
    present = text.drop_nulls()
    return next((mark for mark in MARKS if written(present, mark).null_count() == 0), None)


def _parts(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """What stands around a number, and the number."""
    text = text.str.strip_chars().str.replace(r"^([+-])\s*([^\d+.,-]+)", "${2}${1}")  # -$5 is $-5
    before = text.str.extract(r"^([^\d+.,-]*)").str.strip_chars()
    behind = text.str.extract(r"([^\d.,]*)$").str.strip_chars()
    body = text.str.replace(r"^[^\d+.,-]*", "").str.replace(r"[^\d.,]*$", "").str.strip_chars()
    return before + behind, body
