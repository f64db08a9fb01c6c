"""Gradient estimators side by side: a table for the terminal, and what they vary and cost as figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.figures.style import BLUE, GREY, ORANGE, RED, WIDTH, plain
from taut.studies.toys import Toy

PLACES = {0: "start", 1: "on the way", 2: "answer"}
CURVE = 41
"""Points of a closed-form line."""
GREEN, SKY, PINK = "#009e73", "#56b4e9", "#cc79a7"  # of Okabe and Ito as well
LOOKS = {
    "reparametrization": (BLUE, "o", "-"),
    "path-derivative": (SKY, "v", "-"),
    "measure-valued": (GREEN, "D", "-"),
    "disarm": (SKY, "v", "-"),
    "reinforce (none)": (RED, "s", ":"),
    "reinforce (moving-average)": (RED, "p", "--"),
    "reinforce (optimal)": (ORANGE, "<", "--"),
    "reinforce (leave-one-out)": (ORANGE, "^", "-"),
    "reinforce (delta)": (PINK, "P", "-"),
    "reinforce (double)": (PINK, "X", "--"),
    "straight-through (biased)": (GREY, "x", ":"),
    "exact": ("black", ".", "-"),
    "enumeration": ("black", ".", "-"),
}
"""Colour, marker and line of each estimator in every figure: control variates of REINFORCE are warm, others cool."""


def looks(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """How each estimator is drawn; one from elsewhere is black."""
    return [LOOKS.get(name, ("black", "*", "-.")) for name in names]


SUPERSCRIPT = str.maketrans("-0123456789", "\N{SUPERSCRIPT MINUS}⁰¹²³⁴⁵⁶⁷⁸⁹")


def power(value: float, _: Any = None) -> str:
    """A power of ten as a tick label that needs no mathematics typeset.

    Example:
        >>> power(1e6), power(0.01), power(100.0)
        ('10⁶', '0.01', '100')
    """
    exponent = round(np.log10(value))
    return plain(value) if abs(exponent) < 4 else "10" + str(exponent).translate(SUPERSCRIPT)


def decades(axis: Any) -> None:
    """Label an axis at powers of ten, or, where it has hardly one, also at their doubles and fives."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 100 else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(power if high / low > 100 else plain)
    axis.set_minor_formatter(NullFormatter())


def summary(table: Any) -> Any:
    """One row an estimator and place (`point`, or `k` for a toy), variances added up over the parameters.

    `bias` is the largest distance of a mean from the exact gradient in standard errors; `work` and `time` are the
    variance times the evaluations and times the seconds of one gradient: what a unit of precision costs.

    Args:
        table: from `taut.compare_gradients` or `taut.studies.compare.study`.
    """
    import polars as pl

    toy = "k" in table.columns
    z = ((pl.col("mean") - pl.col("exact")) / pl.col("standard_error")).abs()
    return (
        table.group_by(["k" if toy else "point", "estimator"], maintain_order=True)
        .agg(
            pl.col("unbiased").first(),
            pl.col("variance").sum(),
            pl.col("evaluations").first(),
            pl.col("seconds").first(),
            pl.when(pl.col("standard_error") > 0).then(z).max().alias("bias"),
            *([pl.col("closed_form_variance").sum()] if toy else []),
        )
        .with_columns(
            work=pl.col("variance") * pl.col("evaluations"),
            time=pl.col("variance") * pl.col("seconds"),
            place=pl.col("k").map_elements(lambda k: f"{k:.2g}", pl.String)
            if toy
            else pl.col("point").map_elements(lambda p: PLACES.get(p, str(p)), pl.String),
        )
    )


def estimator_table(table: Any) -> RenderableType:
    """One line an estimator and place (for a toy, an estimator and k), variances added up over the parameters.

    *Bias* is the largest distance of a mean from the exact gradient, in standard errors; *work* is the variance times
    the evaluations of one gradient.

    Args:
        table: from `taut.compare_gradients` or `taut.studies.compare.study`.
    """
    toy = "k" in table.columns
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("k" if toy else "where")
    grid.add_column("estimator")
    # What is exact is not timed: the compiler takes a gradient that never changes out of the loop.
    titles = ("variance", *(("closed form",) if toy else ()), "bias (se)", "evaluations", "microseconds", "work")
    for title in titles:
        grid.add_column(title, justify="right", no_wrap=True)
    for row in summary(table).to_dicts():
        known = (f"{row['closed_form_variance']:.3g}",) if toy else ()
        bias = "" if row["bias"] is None else f"{row['bias']:.1f}"
        time = f"{1e6 * row['seconds']:.0f}" if row["variance"] else ""
        grid.add_row(
            row["place"],
            row["estimator"],
            f"{row['variance']:.3g}",
            *known,
            bias,
            f"{row['evaluations']}",
            time,
            f"{row['work']:.3g}",
        )
    return grid


def variances(table: Any) -> Figure:
    """Total variance of each sampled estimator along the training run, on a logarithmic scale.

    Args:
        table: from `taut.compare_gradients` at several places.
    """
    seen = _noisy(table)
    names = list(dict.fromkeys(seen["estimator"]))
    figure = Figure(figsize=(WIDTH, 3.0 + 0.16 * len(names)), layout="constrained")
    ax = figure.subplots()
    for name, (colour, marker, line) in zip(names, looks(names), strict=True):
        rows = seen.filter(seen["estimator"] == name).sort("point")
        ax.plot(rows["place"], rows["variance"], color=colour, marker=marker, linestyle=line, markersize=5, label=name)
    ax.set(yscale="log", ylabel="variance of one gradient, all parameters")
    decades(ax.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure


def costs(table: Any) -> Figure:
    """Variance against the time of one gradient at the last place; on a dotted line their product is the same.

    Args:
        table: from `taut.compare_gradients`.
    """
    seen = _noisy(table)
    seen = seen.filter(seen["point"] == seen["point"].max())
    names = list(seen["estimator"])
    figure = Figure(figsize=(WIDTH, 3.2 + 0.16 * len(names)), layout="constrained")
    ax = figure.subplots()
    microseconds, variance = 1e6 * seen["seconds"].to_numpy(), seen["variance"].to_numpy()
    for name, x, y, (colour, marker, _) in zip(names, microseconds, variance, looks(names), strict=True):
        ax.plot(x, y, marker, color=colour, markersize=8, linestyle="none", label=name)
    ax.set(xscale="log", yscale="log", xlabel="microseconds for one gradient", ylabel="its variance, all parameters")
    ax.margins(0.12)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for product in 10.0 ** np.arange(np.floor(np.log10(left * low)), np.ceil(np.log10(right * high)) + 1):
        ax.plot([left, right], [product / left, product / right], color=GREY, linewidth=0.6, linestyle=":", zorder=0)
    ax.set(xlim=(left, right), ylim=(low, high))
    decades(ax.xaxis)
    decades(ax.yaxis)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8.5)
    return figure


def _noisy(table: Any) -> Any:
    """The summary without what is exact: a logarithm has no place for it."""
    seen = summary(table)
    return seen.filter(seen["variance"] > 0)


def toy_curves(table: Any) -> Figure:
    """Variance against k, measured (dots) and in closed form (lines), for the mean and the sd of q.

    Args:
        table: from `taut.studies.compare.study`.
    """
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    names = list(dict.fromkeys(table["estimator"]))
    ks, (cost,) = np.linspace(table["k"].min(), table["k"].max(), CURVE).tolist(), set(table["cost"])
    for ax, parameter in zip(figure.subplots(1, 2), ("mean", "sd"), strict=True):
        for name, (colour, marker, line) in zip(names, looks(names), strict=True):
            rows = table.filter((table["estimator"] == name) & (table["parameter"] == parameter))
            closed = [Toy(cost, k).closed_form_variance(name, parameter) for k in ks]
            label = name if ax is figure.axes[0] else None
            ax.plot(ks, np.maximum(closed, 1e-9), color=colour, linestyle=line)
            ax.plot(
                rows["k"],
                np.maximum(rows["variance"], 1e-9),
                color=colour,
                marker=marker,
                markersize=4,
                linestyle="none",
                label=label,
            )
        ax.set(title=f"gradient in the {parameter}", xlabel="k", yscale="log")
        decades(ax.yaxis)
    figure.axes[0].set_ylabel("variance of one draw")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8.5)
    return figure
