"""Gradient estimators side by side: a table for the terminal, and variances as figures."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.style import WIDTH

PLACES = {0: "start", 1: "on the way", 2: "answer"}


def estimator_table(table: Any) -> RenderableType:
    """One line an estimator and place (for a toy, an estimator and k), variances added up over the parameters.

    *Bias* is the largest distance of a mean from the exact gradient, in standard errors; *work* is the variance times
    the evaluations of one gradient.

    Args:
        table: from `taut.gradients.compare` or `taut.comparison.study`.
    """
    import polars as pl

    toy = "k" in table.columns
    place = "k" if toy else "point"
    z = ((pl.col("mean") - pl.col("exact")) / pl.col("standard_error")).abs()
    grouped = table.group_by([place, "estimator"], maintain_order=True).agg(
        pl.col("variance").sum(), pl.col("evaluations").first(), pl.col("seconds").first(),
        pl.when(pl.col("standard_error") > 0).then(z).max().alias("bias"),
        *([pl.col("closed_form_variance").sum()] if toy else []),
    )  # fmt: skip
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("k" if toy else "where")
    grid.add_column("estimator")
    titles = ("variance", *(("closed form",) if toy else ()), "bias (se)", "evaluations", "microseconds", "work")
    for title in titles:
        grid.add_column(title, justify="right", no_wrap=True)
    for row in grouped.to_dicts():
        where = f"{row['k']:.2g}" if toy else PLACES.get(row["point"], str(row["point"]))
        known = (f"{row['closed_form_variance']:.3g}",) if toy else ()
        bias = "" if row["bias"] is None else f"{row['bias']:.1f}"
        grid.add_row(where, row["estimator"], f"{row['variance']:.3g}", *known, bias, f"{row['evaluations']}",
                     f"{1e6 * row['seconds']:.0f}", f"{row['variance'] * row['evaluations']:.3g}")  # fmt: skip
    return grid


def variances(table: Any) -> Figure:
    """Total variance of each sampled estimator along the training run, on a logarithmic scale.

    Args:
        table: from `taut.gradients.compare` at several places.
    """
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    ax = figure.subplots()
    for name in dict.fromkeys(table["estimator"]):
        rows = table.filter(table["estimator"] == name)
        places = sorted(set(rows["point"]))
        total = [float(rows.filter(rows["point"] == p)["variance"].sum()) for p in places]
        if not any(total):
            continue  # exact: a logarithm has no place for it
        ax.plot([PLACES.get(p, str(p)) for p in places], total, "o-", label=name)
    ax.set(yscale="log", ylabel="variance of one gradient, all parameters")
    ax.legend(frameon=False, fontsize=8)
    return figure


def toy_curves(table: Any) -> Figure:
    """Variance against k, measured (dots) and in closed form (lines), for the mean and the sd of q.

    Args:
        table: from `taut.comparison.study`.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    for ax, parameter in zip(figure.subplots(1, 2), ("mean", "sd"), strict=True):
        for i, name in enumerate(dict.fromkeys(table["estimator"])):
            rows = table.filter((table["estimator"] == name) & (table["parameter"] == parameter)).sort("k")
            ax.plot(rows["k"], np.maximum(rows["closed_form_variance"], 1e-9), color=f"C{i}", label=name)
            ax.plot(rows["k"], np.maximum(rows["variance"], 1e-9), "o", color=f"C{i}", markersize=4)
        ax.set(title=f"gradient in the {parameter}", xlabel="k", yscale="log")
    figure.axes[0].set_ylabel("variance of one draw")
    figure.axes[0].legend(frameon=False, fontsize=8)
    return figure
