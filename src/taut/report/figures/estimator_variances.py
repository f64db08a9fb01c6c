"""The variance of each gradient estimator along a training run."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from taut.report.estimator_summary import sampled_summary
from taut.report.figures.estimator_looks import looks
from taut.report.figures.log_axis import label_decades
from taut.report.figures.style import WIDTH

if TYPE_CHECKING:
    import polars as pl


def estimator_variances(table: "pl.DataFrame") -> Figure:
    """Draw the total variance of each sampled estimator at each place, on a logarithmic scale.

    Args:
        table: The table of `taut.compare_gradients` at several places.
    """
    seen = sampled_summary(table)
    names = list(dict.fromkeys(seen["estimator"]))
    figure = Figure(figsize=(WIDTH, 3.0 + 0.16 * len(names)), layout="constrained")
    ax = figure.subplots()
    for name, (colour, marker, line) in zip(names, looks(names), strict=True):
        rows = seen.filter(seen["estimator"] == name).sort("point")
        ax.plot(rows["place"], rows["variance"], color=colour, marker=marker, linestyle=line, markersize=5, label=name)
    ax.set(yscale="log", ylabel="variance of one gradient, all parameters")
    label_decades(ax.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure
