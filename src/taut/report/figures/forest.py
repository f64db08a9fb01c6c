"""The forest plot: every unknown's mean and 95 % interval."""

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from taut.report.figures.style import BLUE, GREY, INK, WIDTH, vertical_grid
from taut.report.posterior_table import Entry, Table
from taut.report.words.numbers import label

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
        return [group for group in ([table.intercept] if table.intercept else [], shown(table)) if group]
    groups: dict[str, list[Entry]] = {}
    for entry in shown(table):
        groups.setdefault(re.sub(r"\[[^\]]*\]$", "", entry.name), []).append(entry)
    return list(groups.values())


def forest(table: Table, unit: str) -> Figure:
    """Draw it.

    Args:
        table: the posterior table.
        unit: what the x axis of the last panel measures; "" for nothing to say.
    """
    groups = panels(table)
    heights = [0.19 * len(group) + 0.12 for group in groups]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.32 * len(groups) + 0.35))
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, group in zip(axes, groups, strict=True):
        _panel(ax, group)
    axes[-1].set_xlabel(unit, loc="right")  # flush with the panel: centred it might not fit beside long names
    return figure


def _panel(ax: Axes, group: list[Entry]) -> None:
    """Filled where the interval leaves zero out, hollow and grey where it does not."""
    for y, entry in enumerate(group):
        mean, lower, upper = entry.standardised
        clear = lower > 0 or upper < 0
        colour = BLUE if clear else GREY
        ax.plot([lower, upper], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
        ax.plot(mean, y, "o", color=colour, markerfacecolor=colour if clear else "white", markersize=4.5)
    ends = [end for entry in group for end in entry.standardised[1:]]
    reach = max(ends) - min(ends)
    if min(ends) - 0.5 * reach <= 0 <= max(ends) + 0.5 * reach:  # a distant zero would only squeeze the intervals
        ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_yticks(range(len(group)), [label(entry.name) for entry in group])
    ax.set_ylim(len(group) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.03)
    vertical_grid(ax)
