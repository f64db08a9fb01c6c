"""The forest plot: every unknown's mean and 95 % interval."""

import re

from matplotlib.figure import Figure

from taut.report.figures.intervals import intervals
from taut.report.figures.ratio_axis import ratio_axis
from taut.report.figures.style import WIDTH
from taut.report.posterior_table import Entry, Table

MOST = 150
"""Lines that are drawn; of more the strongest are taken."""


def shown(table: Table) -> list[Entry]:
    """The entries that are drawn, in the table's order."""
    if len(table.entries) <= MOST:
        return table.entries
    strongest = sorted(table.entries, key=lambda e: -e.strength)[:MOST]
    return [entry for entry in table.entries if entry in strongest]


def panels(table: Table) -> list[list[Entry]]:
    """What may share an axis: a regression's coefficients, the intercept apart; else each named unknown."""
    if table.regression:
        return [group for group in (table.apart, shown(table)) if group]
    groups: dict[str, list[Entry]] = {}
    for entry in shown(table):
        groups.setdefault(re.sub(r"\[[^\]]*\]$", "", entry.name), []).append(entry)
    return list(groups.values())


def forest(table: Table, unit: str, ratio: str = "") -> Figure:
    """Draw it.

    Args:
        table: the posterior table.
        unit: what the x axis of the last panel measures; "" for nothing to say.
        ratio: what e to the power of a value there is called, for an axis above it; "" for none.
    """
    groups = panels(table)
    heights = [0.19 * len(group) + 0.12 for group in groups]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.32 * len(groups) + 0.35))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, group in zip(axes, groups, strict=True):
        intervals(ax, [entry.name for entry in group], [entry.standardised for entry in group])
    both = f"{unit} (above: {ratio})" if ratio and table.entries else unit
    axes[-1].set_xlabel(both, loc="right")  # flush with the panel: centred it might not fit beside long names
    if ratio and table.entries:
        ratio_axis(axes[-1])
    return figure
