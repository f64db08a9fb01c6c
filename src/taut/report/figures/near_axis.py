"""The y axis of values in nats: where they are nearly alike its ticks are differences, and the label says from what."""

from typing import Any

from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from taut.report.figures.style import plain

NEARLY_ALIKE = 1e-4
"""Span of an axis, as a share of its values, below which ticks in full would differ in their last digits alone."""


def label_nats(ax: Any, name: str, unit: str, reference: float) -> None:
    r"""Label a y axis whose limits are set.

    Args:
        ax: The axes.
        name: What is drawn.
        unit: Its unit.
        reference: The value that differences are taken from where the axis is narrow, such as that of the answer.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = Figure().subplots()
        >>> _ = ax.set_ylim(-31.54000002, -31.54)
        >>> label_nats(ax, "ELBO", "nats", -31.54)
        >>> ax.get_ylabel()
        'ELBO less −31.54\n(nats)'
    """
    low, high = ax.get_ylim()
    if high - low >= NEARLY_ALIKE * max(abs(low), abs(high)) or not low - (high - low) <= reference <= 2 * high - low:
        ax.set_ylabel(f"{name}\n({unit})")
        ax.ticklabel_format(axis="y", useOffset=False)
        return
    differences = [
        x for x in MaxNLocator(5).tick_values(low - reference, high - reference) if low <= reference + x <= high
    ]
    ax.yaxis.set_major_locator(FixedLocator([reference + x for x in differences]))
    names = dict(enumerate(differences))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda _, place: plain(names.get(place, 0.0))))
    ax.set_ylabel(f"{name} less {plain(float(f'{reference:.7g}'))}\n({unit})")
