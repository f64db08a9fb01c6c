"""Means with their intervals, a line each: filled where the interval leaves a value out, hollow and grey where not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from taut.report.figures.style import BLUE, GREY, INK, vertical_grid
from taut.report.words.numbers import label

PAD, SIZE = 0.05, 9.5
"""Inches between a name and the axes, and the size of its letters."""


def intervals(
    ax: Axes, names: Sequence[str], values: Sequence[tuple[float, float, float]], size: float = 1.0, zero: float = 0.0
) -> None:
    """Draw them from the top down.

    Args:
        ax: The axes.
        names: A name for each line.
        values: Mean, lower and upper end of each.
        size: Of lines, dots and names, as a share of what is usual.
        zero: The value that an interval may leave out, where a line is drawn unless it is far away.
    """
    for clear, colour, filled in ((True, BLUE, BLUE), (False, GREY, "white")):
        some = [(y, *value) for y, value in enumerate(values) if (value[1] > zero or value[2] < zero) == clear]
        if not some:
            continue
        y, means, lower, upper = np.transpose(some)
        gap = np.full(len(y), np.nan)  # one line of many pieces is drawn much faster than many lines
        ends = np.column_stack([lower, upper, gap]).ravel()
        ax.plot(ends, np.column_stack([y, y, gap]).ravel(), color=colour, linewidth=1.8 * size, solid_capstyle="butt")
        ax.plot(means, y, "o", color=colour, markerfacecolor=filled, markersize=4.5 * size)
    ends = [end for value in values for end in value[1:]]
    reach = max(ends) - min(ends)
    if min(ends) - 0.5 * reach <= zero <= max(ends) + 0.5 * reach:  # a distant one would only squeeze the intervals
        ax.axvline(zero, color=INK, linewidth=0.8)
    ax.set_yticks([])
    beside = blended_transform_factory(ax.transAxes, ax.transData) + ScaledTranslation(
        -PAD, 0, ax.figure.dpi_scale_trans
    )
    look: dict[str, Any] = {"transform": beside, "ha": "right", "va": "center_baseline", "fontsize": SIZE * size}
    for y, name in enumerate(names):  # a text is drawn much faster than a tick with its label
        ax.text(0, y, label(name), color=INK, **look)
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.03)
    vertical_grid(ax)
