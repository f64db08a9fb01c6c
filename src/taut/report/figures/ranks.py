"""Rank plots of simulation-based calibration: how far each ECDF lies from that of uniform ranks."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from taut.diagnostics.calibration import ALARM, Calibration, band
from taut.report.figures.style import BLUE, GREY, RED, WIDTH, styled
from taut.report.words.numbers import label

COLUMNS = 3
MOST = 12
"""Scalars shown: the least uniform ones."""


def rank_plot(found: Calibration) -> Figure:
    """The plot of `ranks`, in the look of the page.

    Args:
        found: from `taut.calibrate`.
    """
    return styled(ranks, found)


def ranks(found: Calibration) -> Figure:
    """For each scalar the ECDF of its ranks minus that of uniform ones, and the band that 95 % of uniform samples keep.

    Above the band at the left and below it at the right the posterior is too narrow; an arch lies to one side: above
    the band the posterior is too high, below it too low. Each p-value is corrected for the number of scalars.

    Args:
        found: from `taut.calibrate`.
    """
    shown = np.argsort(found.p, kind="stable")[:MOST]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(max(WIDTH, 2.1 * columns), 1.9 * rows + 0.4))
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    bounds = band(len(found.ranks), found.draws)
    for ax, i in zip(axes.ravel(), shown, strict=False):
        bad = found.corrected_p[i] < ALARM
        _difference(ax, found, found.ranks[:, i], bounds, RED if bad else BLUE)
        name = label(found.names[i], 24)
        ax.set_title(f"{name}\np = {found.corrected_p[i]:.2g}", fontsize=8.5)  # a line each: none overlaps
    for unused in range(len(shown), rows * columns):
        axes.ravel()[unused].set_visible(False)
        axes.ravel()[unused - columns].tick_params(labelbottom=True)
    figure.supxlabel("rank / draws", fontsize=9.5)
    figure.supylabel("ECDF minus uniform", fontsize=9.5)
    return figure


def _difference(ax: Any, found: Calibration, ranks: np.ndarray, bounds: Any, colour: str) -> None:
    size, draws = len(ranks), found.draws
    z = np.arange(1, draws + 1) / (draws + 1)
    seen = np.cumsum(np.bincount(ranks, minlength=draws + 1))[:-1] / size
    ax.fill_between(z, bounds[0] / size - z, bounds[1] / size - z, color=GREY, alpha=0.25, linewidth=0)
    ax.axhline(0, color=GREY, linewidth=0.7)
    ax.plot(z, seen - z, color=colour, linewidth=1.2, drawstyle="steps-post")
