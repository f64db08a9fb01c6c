"""What became of a table, in words."""

from taut.data.tables import dates
from taut.data.tables.columns import Column
from taut.data.tables.supervised import Supervised
from taut.data.wording import listing, quoted

MOST = 50


def facts(table: Supervised) -> dict[str, str]:
    """Rows, target and columns in words, by what they are about; what is not worth a word is absent.

    Example:
        >>> import polars as pl
        >>> from taut.data import prepare
        >>> found = facts(prepare(pl.DataFrame({"job": ["cook", "clerk", "cook"]}), ["no", "yes", "yes"]))
        >>> found["rows"], found["categories"]
        ('3 read, 3 used', "'job' became 1 column, against 'clerk'")
    """
    design, used = table.design, int(table.kept.sum())
    left_out = [f"{count} without: {reason}" for reason, count in table.left_out if count]
    found = {"rows": listing([f"{len(table.kept)} read", f"{used} used", *left_out])}
    if table.weights is not None:
        found["weights"] = f"from {table.weights.min():g} to {table.weights.max():g}, {table.weights.sum():g} in all"
    if table.labels is not None:
        found["target"] = f"'{table.target}': {table.labels.in_words}"
    else:
        found["target"] = f"'{table.target}', a number"
    found |= {
        "columns left out": quoted(table.unused, MOST),
        "categories": categories(design.columns),
        "dates": listing((_date(column) for column in design.columns if column.kind == "date"), MOST),
        "missing values": listing((_filled(c, design.columns) for c in design.columns if c.of), MOST),
        "remarks": " ".join(table.remarks),
    }
    return {about: words for about, words in found.items() if words}


def categories(columns: tuple[Column, ...]) -> str:
    """How many columns each categorical became, and the level that they are compared with."""
    counted = [(c.name, len(c.names), c.levels[0]) for c in columns if c.kind == "categorical"]
    return listing(
        (f"'{name}' became {n} column{'s' * (n > 1)}, against '{first}'" for name, n, first in counted), MOST
    )


def _date(column: Column) -> str:
    if column.form == dates.TIME:
        return f"'{column.name}' is hours of the day"
    return f"'{column.name}' is days since {dates.day(column.origin)}"


def _filled(missing: Column, columns: tuple[Column, ...]) -> str:
    fill = next(column.fill for column in columns if column.name == missing.of)
    return f"'{missing.of}' takes {fill if isinstance(fill, str) else format(fill, '.4g')} where it is missing"
