"""Rate against distortion: the bargain that every autoencoder strikes, a point for one fit and a curve for many."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.figures.style import BLUE, GREY, RED, WIDTH, styled, svg
from taut.report.figures.terms import smoothed

AXES = ("distortion, \N{MINUS SIGN}E log p(x|z) (nats per example)", "rate, KL (nats per example)")

BETA, ALPHA, LAMDA = ("\N{GREEK SMALL LETTER BETA}", "\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER LAMDA}")
SWEEPS = (("beta", BLUE, "o", f"{BETA} given"), ("alpha", RED, "s", f"{ALPHA} given, {LAMDA} learned"))


def rate_point(history: dict[str, np.ndarray], distortion: float, rate: float) -> Figure:
    """The fit's place, the way that training took to it, and the lines of equal ELBO.

    Args:
        history: of the fit.
        distortion: of the answer on held-out examples.
        rate: likewise.
    """
    figure = Figure(figsize=(WIDTH, 3.8))
    ax = figure.subplots()
    way = [smoothed(np.asarray(history[name], float)) for name in ("expected_log_likelihood", "kl")]
    late = slice(len(way[0]) // 50, None)  # the first steps come from far away
    ax.plot(-way[0][late], way[1][late], color=BLUE, alpha=0.5, linewidth=1.2, label="training, running mean")
    ax.plot(distortion, rate, "D", color=RED, markersize=7, label="the answer, held out")
    _equal_elbo(ax, distortion + rate)
    ax.set_xlabel(AXES[0])
    ax.set_ylabel(AXES[1])
    ax.legend(loc="best")
    return figure


def rate_distortion(table: Any) -> Figure:
    """The curve from both sweeps, in the look of the page.

    Args:
        table: from `taut.rate_distortion`.
    """
    return styled(rate_curve, table)


def rate_curve(table: Any) -> Figure:
    r"""The curve from both sweeps, each point with the slope that its coefficient says.

    At an optimum of D + beta R the curve R(D) has the slope \(-1/\beta = -\lambda\): the short lines must be tangents.

    Args:
        table: from `taut.rate_distortion`.
    """
    figure = Figure(figsize=(WIDTH, 4.4))
    ax = figure.subplots()
    curve = table.sort("distortion")
    ax.plot(curve["distortion"], curve["rate"], color=GREY, linewidth=0.9, zorder=1)
    reach = 0.08 * (table["distortion"].max() - table["distortion"].min() or 1.0)
    height = 0.08 * (table["rate"].max() - table["rate"].min() or 1.0)
    for sweep, colour, marker, text in SWEEPS:
        seen = table.filter(table["sweep"] == sweep)
        if not seen.height:
            continue
        ax.scatter(
            seen["distortion"],
            seen["rate"],
            36,
            marker=marker,
            zorder=3,
            linewidths=1.4,
            label=text,
            edgecolors=colour,
            facecolors=colour if sweep == "beta" else "none",
        )
        for row in seen.iter_rows(named=True):
            slope = -row["multiplier"]
            half = min(reach, height / max(-slope, 1e-9))  # of equal length to the eye, steep or flat
            ax.plot(
                [row["distortion"] - half, row["distortion"] + half],
                [row["rate"] - slope * half, row["rate"] + slope * half],
                color=colour,
                linewidth=1,
            )
    ax.set_xlabel(AXES[0])
    ax.set_ylabel(AXES[1])
    ax.plot([], [], color=GREY, linewidth=1, label=f"short lines: slope \N{MINUS SIGN}{LAMDA}")
    ax.legend(loc="upper right")
    return figure


def as_svg(table: Any) -> str:
    """The curve as an SVG file's text."""
    return svg(rate_curve, table).decode()


def curve_table(table: Any) -> RenderableType:
    """The fits of a curve as a table for the terminal, in the order of their distortion."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in ("sweep", "given", "multiplier", "as beta", "distortion", "rate", "ELBO"):
        grid.add_column(title, justify="left" if title == "sweep" else "right", no_wrap=True)
    for row in table.sort("distortion").iter_rows(named=True):
        nats = (f"{row[name]:.3f}" for name in ("distortion", "rate", "elbo"))
        grid.add_row(row["sweep"], f"{row['given']:.6g}", f"{row['multiplier']:.4g}", f"{row['beta']:.4g}", *nats)
    return grid


def _equal_elbo(ax: Any, best: float) -> None:
    """Lines on which -ELBO = distortion + rate is the same: the answer's own, and others at round distances."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for total in MaxNLocator(8).tick_values(left + low - best, right + high - best):
        own = total == 0
        ax.plot(
            [left, right],
            [best + total - left, best + total - right],
            color=GREY,
            linewidth=1.2 if own else 0.6,
            linestyle="--" if own else ":",
            zorder=0,
            label="equal ELBO" if own else None,
        )
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
