"""The variance of each gradient estimator against the time of one gradient."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from taut.report.estimator_summary import sampled_summary
from taut.report.figures.estimator_looks import looks
from taut.report.figures.log_axis import label_decades
from taut.report.figures.style import GREY, WIDTH

if TYPE_CHECKING:
    import polars as pl


def estimator_costs(table: "pl.DataFrame") -> Figure:
    """Draw variance against seconds at the last place; on each dotted line their product is the same.

    Args:
        table: The table of `taut.compare_gradients`.
    """
    seen = sampled_summary(table)
    seen = seen.filter(seen["point"] == seen["point"].max())
    names = list(seen["estimator"])
    figure = Figure(figsize=(WIDTH, 3.2 + 0.16 * len(names)), layout="constrained")
    ax = figure.subplots()
    microseconds, variance = 1e6 * seen["seconds"].to_numpy(), seen["variance"].to_numpy()
    for name, x, y, look in zip(names, microseconds, variance, looks(names), strict=True):
        ax.plot(x, y, look.marker, color=look.colour, markersize=8, linestyle="none", label=name)
    ax.set(xscale="log", yscale="log", xlabel="microseconds for one gradient", ylabel="its variance, all parameters")
    ax.margins(0.12)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for product in 10.0 ** np.arange(np.floor(np.log10(left * low)), np.ceil(np.log10(right * high)) + 1):
        ax.plot([left, right], [product / left, product / right], color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    ax.set(xlim=(left, right), ylim=(low, high))
    label_decades(ax.xaxis)
    label_decades(ax.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure
