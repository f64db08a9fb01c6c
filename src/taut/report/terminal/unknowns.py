"""The posterior table in the terminal."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from taut.report import posterior_table
from taut.report.words import numbers as words

STRONGEST = "Strongest first. std: for one standard deviation of the column.\n"
"""Below the table of a regression on standardised columns."""


def unknowns_table(posterior: posterior_table.Table, caption: str = STRONGEST) -> list[RenderableType]:
    """The unknowns, a line each, and what the standardised columns are where there are any.

    Args:
        posterior: The posterior table.
        caption: What is said of the standardised columns.
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("", overflow="fold", min_width=9)
    standardised = ("std mean", "std sd") if posterior.standardised else ()
    for title in ("mean", "sd", "2.5 %", "97.5 %", "P(>0)", *standardised):
        grid.add_column(title, justify="right", no_wrap=True)
    if posterior.doubts:
        grid.add_column("trust")
    for entry in posterior.all:
        # Text, not a string: rich would take "[red]" in a column's name for a colour.
        dim = "dim" if entry.lower < 0 < entry.upper else ""
        trust = (entry.trust or "",) if posterior.doubts else ()
        grid.add_row(Text(words.printable(entry.name)), *_cells(entry, posterior.standardised), *trust, style=dim)
    if not posterior.standardised:
        return [grid]
    return [grid, Text(caption, style="dim")]


def _cells(entry: posterior_table.Entry, both: bool) -> list[str]:
    cells = [words.measured(x, entry.sd) for x in (entry.mean, entry.sd, entry.lower, entry.upper)]
    cells.append(words.probability(entry.p_positive))
    if both and entry.mean_standardised is not None and entry.sd_standardised is not None:
        cells += [words.measured(x, entry.sd_standardised) for x in (entry.mean_standardised, entry.sd_standardised)]
    return cells
