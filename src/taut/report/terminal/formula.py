"""What the terminal shows of a regression by formula beside its coefficients: ratios, effects, scales, groups."""

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from taut.report.average_effects import explained
from taut.report.group_effects import GroupEffects
from taut.report.posterior_table import Entry
from taut.report.ratios import Ratio
from taut.report.variance_table import Variance, remarks
from taut.report.words import numbers as words
from taut.results.formula import FormulaFit

MOST = 6
"""Groups of each factor that are shown: half of them the largest effects, half the smallest."""


def ratios_table(title: str, ratios: list[Ratio]) -> list[RenderableType]:
    """A line for each coefficient; nothing where there are no ratios.

    Args:
        title: What they are called.
        ratios: The ratios.
    """
    if not ratios:
        return []
    grid = _grid("", title, "2.5 %", "97.5 %")
    for line in ratios:
        numbers = map(words.ratio, (line.ratio, line.lower, line.upper))
        grid.add_row(Text(words.printable(line.name)), *numbers)
    return [grid]


def effects_table(fit: FormulaFit, effects: list[Entry]) -> list[RenderableType]:
    """A line for each average marginal effect; nothing where there are none to show."""
    if not effects:
        return []
    grid = _grid("average effects", "mean", "sd", "2.5 %", "97.5 %", "P(>0)")
    for entry in effects:
        _add(grid, entry, indent="")
    return [grid, Text(explained(fit), style="dim")]


def variances_table(lines: list[Variance]) -> list[RenderableType]:
    """A line for each sd, correlation and parameter of the likelihood; nothing where there are none."""
    if not lines:
        return []
    shared = any(line.share for line in lines)
    grid = _grid("variances", "mean", "sd", "2.5 %", "97.5 %", *(["share"] if shared else []))
    for line in lines:
        share = [line.share_words] if shared else []
        grid.add_row(Text(words.printable(line.entry.name)), *_numbers(line.entry), *share)
    return [grid, *(Text(said, style="dim") for said in remarks(lines))]


def groups_table(effects: list[GroupEffects]) -> list[RenderableType]:
    """The largest and the smallest effects of each factor; nothing without groups."""
    if not effects:
        return []
    grid = _grid("groups", "mean", "sd", "2.5 %", "97.5 %", "P(>0)")
    for one in effects:
        first, last = one.extremes(MOST)
        between = len(one.entries) - len(first) - len(last)
        grid.add_row(Text(f"{words.printable(one.name)}, {words.count(len(one.entries), 'group')}", style="bold"))
        for entry in first:
            _add(grid, entry)
        if between:
            grid.add_row(Text(f"  … {between:,} between", style="dim"))
        for entry in last:
            _add(grid, entry)
    return [grid]


def _add(grid: Table, entry: Entry, indent: str = "  ") -> None:
    dim = "dim" if entry.lower < 0 < entry.upper else ""
    grid.add_row(
        Text(f"{indent}{words.printable(entry.name)}"), *_numbers(entry), words.probability(entry.p_positive), style=dim
    )


def _numbers(entry: Entry) -> list[str]:
    return [words.measured(x, entry.sd) for x in (entry.mean, entry.sd, entry.lower, entry.upper)]


def _grid(title: str, *columns: str) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column(title, overflow="fold", min_width=9)
    for column in columns:
        grid.add_column(column, justify="right", no_wrap=True)
    return grid
