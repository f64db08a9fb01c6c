"""How well each row is predicted from all the others."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from taut.diagnostics.predictive.left_out import LeftOut
from taut.report.figures.style import BLUE, ORANGE, WIDTH

MOST = 1000
"""Rows that are drawn: of more the worst, and others at equal distances."""
NAMED = 3
"""Rows that are numbered: the worst."""


def left_out(found: LeftOut) -> Figure:
    """Draw it, row by row in the order of the table."""
    n = len(found.elpd)
    order = np.argsort(found.elpd)
    shown = np.arange(n) if n <= MOST else np.union1d(order[: MOST // 4], np.linspace(0, n - 1, MOST).astype(int))
    figure = Figure(figsize=(WIDTH, 2.6))
    ax = figure.subplots()
    good = shown[found.good[shown]]
    doubted = shown[~found.good[shown]]
    ax.plot(good + 1, found.elpd[good], "o", color=BLUE, markersize=3, alpha=0.7)
    ax.plot(doubted + 1, found.elpd[doubted], "o", color=ORANGE, markersize=4)
    for i in order[:NAMED]:
        text = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "fontsize": 7.5}
        ax.annotate(f"{i + 1:,}", (i + 1, found.elpd[i]), **text)
    ax.set(xlabel="row", ylabel="log p of the row\nfrom the others (nats)")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    return figure
