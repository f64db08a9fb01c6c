"""Means with their intervals, a line each: filled where the interval leaves a value out, hollow and grey where not."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from taut.report.figures.style import BLUE, GREY, INK, vertical_grid
from taut.report.words.numbers import label


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
    for y, (mean, lower, upper) in enumerate(values):
        clear = lower > zero or upper < zero
        colour = BLUE if clear else GREY
        ax.plot([lower, upper], [y, y], color=colour, linewidth=1.8 * size, solid_capstyle="butt")
        filled = colour if clear else "white"
        ax.plot(mean, y, "o", color=colour, markerfacecolor=filled, markersize=4.5 * size)
    ends = [end for value in values for end in value[1:]]
    reach = max(ends) - min(ends)
    if min(ends) - 0.5 * reach <= zero <= max(ends) + 0.5 * reach:  # a distant one would only squeeze the intervals
        ax.axvline(zero, color=INK, linewidth=0.8)
    ax.set_yticks(range(len(values)), [label(name) for name in names])
    ax.set_ylim(len(values) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.03)
    vertical_grid(ax)
