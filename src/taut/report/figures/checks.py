"""Posterior predictive checks: the data against their replications, each kind in a panel of its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import ndtri

from taut.diagnostics.predictive.check import Check
from taut.report.figures.style import BLUE, GREY, ORANGE, WIDTH
from taut.report.words.numbers import label


def _bars(ax: Any, check: Check, values: list[str]) -> None:
    """Counts of rows at each value, with their bands."""
    width = int(check.more["width"])
    places = np.asarray(check.at, float) + 0.5 * (width - 1)
    ax.bar(places, check.observed, 0.85 * width, color=BLUE, alpha=0.35)
    _bands(ax, places, check)
    ax.set(xlabel="value", ylabel="rows")
    if values:
        ax.set_xticks(places, [label(value, 12) for value in values[: len(places)]])
        ax.set_xlabel("level")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _calibration(ax: Any, check: Check, values: list[str]) -> None:
    """Observed shares in bins of the predicted probability, with the bands of replicated ones."""
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", zorder=0)
    _bands(ax, check.at, check)
    _dots(ax, check.at, check)
    ends = [*check.at, *check.lower, *check.upper, *check.observed]
    room = 0.05 * (max(ends) - min(ends) or 1.0)
    ax.set(xlim=(min(ends) - room, max(ends) + room), ylim=(min(ends) - room, max(ends) + room))
    ax.set(xlabel="predicted probability", ylabel="observed share")


def _quantiles(ax: Any, check: Check, values: list[str]) -> None:
    """Quantiles of the data against those of replicated data."""
    ends = [min(check.expected), max(check.expected)]
    ax.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=0)
    _bands(ax, check.expected, check)
    _dots(ax, check.expected, check)
    ax.set(xlabel="quantiles of replicated data", ylabel="of the data")


def _residuals(ax: Any, check: Check, values: list[str]) -> None:
    """All quantile residuals against a normal distribution, and the band of nineteen of their quantiles."""
    found = np.sort(check.more["residuals"])
    if len(found) > MOST_POINTS:
        found = np.quantile(found, (np.arange(MOST_POINTS) + 0.5) / MOST_POINTS)
    expected = ndtri((np.arange(len(found)) + 0.5) / len(found))
    ends = [expected[0], expected[-1]]
    ax.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=0)
    ax.fill_between(check.expected, check.lower, check.upper, color=ORANGE, alpha=0.25, linewidth=0)
    ax.plot(expected, found, "o", color=BLUE, markersize=2.5)
    ax.set(xlabel="normal quantiles", ylabel="quantile residuals")


DRAWN: dict[str, Callable[[Any, Check, list[str]], None]] = {
    "bars": _bars,
    "calibration": _calibration,
    "quantiles": _quantiles,
    "residuals": _residuals,
}
"""How each kind of check is drawn; the others are tables."""
MOST_POINTS = 500
"""Residuals that are drawn; of more, as many of their quantiles."""


def checks(found: list[Check], values: list[str]) -> Figure:
    """Draw them, two abreast.

    Args:
        found: Checks of the kinds in `DRAWN`.
        values: Names of the levels of the response; empty for numbers.
    """
    rows = -(-len(found) // 2)
    figure = Figure(figsize=(WIDTH, 2.6 * rows))
    axes = np.ravel(figure.subplots(rows, min(2, len(found)), squeeze=False))
    for ax, check in zip(axes, found, strict=False):
        DRAWN[check.kind](ax, check, values)
        ax.set_title(check.kind, fontsize=9.5, loc="left")
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    return figure


def _bands(ax: Any, at: np.ndarray, check: Check) -> None:
    ax.vlines(at, check.lower, check.upper, color=ORANGE, linewidth=2.5)


def _dots(ax: Any, at: np.ndarray, check: Check) -> None:
    ax.plot(at, check.observed, "o", color=BLUE, markersize=4.5)
