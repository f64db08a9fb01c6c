"""Effects of groups, the largest first, with their intervals."""

from typing import Any

from matplotlib.figure import Figure

from taut.report.figures.intervals import intervals
from taut.report.figures.style import GREY, WIDTH
from taut.report.group_effects import GroupEffects
from taut.report.posterior_table import Entry
from taut.report.words.numbers import label

MOST = 60
"""Groups of each factor that are drawn: half of them the largest effects, half the smallest."""
ABREAST = 2
"""Panels side by side, for the terms of one factor."""


def groups(effects: list[GroupEffects], unit: str) -> Figure:
    """Draw them: the terms of a factor beside each other, the factors below each other.

    Args:
        effects: Of each factor and term.
        unit: What the x axis measures.
    """
    rows: list[list[GroupEffects]] = []
    for one in effects:
        joins = rows and rows[-1][0].factor == one.factor and len(rows[-1]) < ABREAST
        rows[-1].append(one) if joins else rows.append([one])
    heights = [0.35 + _line(one[0]) * min(len(one[0].entries), MOST) for one in rows]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.35))
    parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, row in zip(parts, rows, strict=True):
        for ax, one in zip(part.subplots(1, len(row), squeeze=False)[0], row, strict=True):
            _panel(ax, one, len(row))
            ax.set_xlabel(unit, loc="right")
    return figure


def _line(one: GroupEffects) -> float:
    """Height of a line, in inches: less where there are many."""
    return 0.19 if len(one.entries) <= 20 else 0.13


def _panel(ax: Any, one: GroupEffects, abreast: int) -> None:
    """One factor and term; a gap stands for the groups between that are not drawn."""
    first, last = one.extremes(MOST)
    shown: list[Entry] = [*first, *last]
    names = [label(entry.name, 30 if abreast == 1 else 14) for entry in shown]
    small = 1.0 if _line(one) > 0.15 else 0.7
    intervals(ax, names, [(entry.mean, entry.lower, entry.upper) for entry in shown], small)
    if last:
        ax.axhline(len(first) - 0.5, color=GREY, linestyle=":", linewidth=1)
    ax.set_title(label(one.name, 60 if abreast == 1 else 28), fontsize=9.5, loc="left")
