"""The variance of gradient estimators on a one-dimensional toy, measured and in closed form."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from taut.report.figures.estimator_looks import looks
from taut.report.figures.log_axis import label_decades
from taut.report.figures.style import WIDTH
from taut.studies.toys import Toy

if TYPE_CHECKING:
    import polars as pl

POINTS = 41
"""Number of points of a closed-form line."""
LEAST_VARIANCE = 1e-9
"""Variance at which a smaller one is drawn: a logarithmic axis has no place for zero."""


def toy_variances(table: "pl.DataFrame") -> Figure:
    """Draw the variance against k, measured (dots) and in closed form (lines), for the mean and the sd of q.

    Args:
        table: The table of `taut.studies.compare_on_toy`.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    names = list(dict.fromkeys(table["estimator"]))
    ks, (cost,) = np.linspace(min(table["k"]), max(table["k"]), POINTS).tolist(), set(table["cost"])
    for ax, parameter in zip(figure.subplots(1, 2), ("mean", "sd"), strict=True):
        for name, (colour, marker, line) in zip(names, looks(names), strict=True):
            rows = table.filter((table["estimator"] == name) & (table["parameter"] == parameter))
            closed = [Toy(cost, k).closed_form_variance(name, parameter) for k in ks]
            ax.plot(ks, np.maximum(closed, LEAST_VARIANCE), color=colour, linestyle=line)
            ax.plot(
                rows["k"],
                np.maximum(rows["variance"], LEAST_VARIANCE),
                color=colour,
                marker=marker,
                markersize=4,
                linestyle="none",
                label=name if ax is figure.axes[0] else None,
            )
        ax.set(title=f"gradient in the {parameter}", xlabel="k", yscale="log")
        label_decades(ax.yaxis)
    figure.axes[0].set_ylabel("variance of one draw")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    return figure
