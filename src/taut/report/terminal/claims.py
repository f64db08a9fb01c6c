"""The two claims made of estimators, unbiased and consistent: a table for the terminal, and a figure for each."""

import numpy as np
from matplotlib.figure import Figure
from rich import box
from rich.console import RenderableType
from rich.table import Table

from taut.report.figures.style import GREY, WIDTH, plain, vertical_grid
from taut.report.terminal.estimators import decades, looks
from taut.studies.claims import FALSE_ALARM, Claims

BEYOND = 30.0
"""Standard errors at which the axis ends: farther off is drawn here."""


def claims_table(found: Claims) -> RenderableType:
    """One line an estimator and place: the worst error of a mean in standard errors, the slope, and what they say.

    Args:
        found: from `taut.gradient_claims`.
    """
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    grid.add_column("estimator")
    for title in ("gradients", "worst mean (se)", "p-value", "unbiased", "slope", "consistent"):
        grid.add_column(title, justify="right", no_wrap=True)
    for row in found.table.to_dicts():
        slope = "no noise" if row["slope"] is None else f"{row['slope']:.3f} ± {row['slope_error']:.3f}"
        grid.add_row(
            row["estimator"],
            f"{row['gradients']:,}",
            f"{row['worst']:.1f}",
            f"{row['p_value']:.2g}",
            answer(row["seems_unbiased"]),
            slope,
            answer(row["seems_consistent"]),
        )
    return grid


def answer(seems: bool) -> str:
    """In a word; a claim is never proven."""
    return "yes" if seems else "NO"


def unbiased_figure(found: Claims) -> Figure:
    """For each estimator the errors of its mean gradient, a dot a parameter, and the band that chance keeps to.

    Args:
        found: from `taut.gradient_claims`.
    """
    from scipy.stats import norm

    names = list(dict.fromkeys(found.table["estimator"]))
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(names)))
    ax = figure.subplots()
    allowed = -norm.ppf(FALSE_ALARM / 2 / found.table["parameters"].max())
    ax.axvspan(-allowed, allowed, color=GREY, alpha=0.18, linewidth=0)
    ax.axvline(0, color=GREY, linewidth=0.8)
    jitter = np.random.default_rng(0)
    for line, (name, (colour, *_)) in enumerate(zip(names, looks(names), strict=True)):
        rows = found.means.filter(found.means["estimator"] == name)
        error, se = rows["error"].to_numpy(), rows["standard_error"].to_numpy()
        z = np.divide(error, se, out=np.zeros_like(error), where=se > 1e-12 * max(np.abs(error).max(), 1.0))
        inside = np.clip(z, -BEYOND, BEYOND)
        ax.plot(
            inside,
            line + jitter.uniform(-0.22, 0.22, len(z)),
            "o",
            color=colour,
            markersize=2.8,
            alpha=0.75,
            markeredgewidth=0,
        )
    ax.set_xscale("symlog", linthresh=6, linscale=2.5)
    ax.set_xlim(-1.1 * BEYOND, 1.1 * BEYOND)
    ax.set_xticks([-BEYOND, -4, -2, 0, 2, 4, BEYOND])
    ax.xaxis.set_major_formatter(plain)
    ax.minorticks_off()
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel("error of the mean gradient, in standard errors")
    vertical_grid(ax)
    return figure


def consistent_figure(found: Claims) -> Figure:
    """Distance from the exact gradient against the number of gradients averaged, with a line of slope -1/2.

    Args:
        found: from `taut.gradient_claims`.
    """
    noisy = found.table.filter(found.table["slope"].is_not_null())
    names = list(dict.fromkeys(noisy["estimator"]))
    figure = Figure(figsize=(WIDTH, 3.4 + 0.16 * len(names)))
    ax = figure.subplots()
    ends = []
    for name, (colour, marker, line) in zip(names, looks(names), strict=True):
        rows = found.errors.filter(found.errors["estimator"] == name).sort("point", "gradients")
        slope = noisy.filter(noisy["estimator"] == name)["slope"][0]
        label = f"{name}: \N{MINUS SIGN}{-slope:.2f}"
        for point in sorted(set(rows["point"])):
            there = rows.filter(rows["point"] == point)
            ax.plot(
                there["gradients"],
                there["error"],
                color=colour,
                marker=marker,
                linestyle=line,
                markersize=4,
                linewidth=1.2,
                label=label,
            )
            label = None
            ends.append((there["gradients"].to_numpy(), there["error"][0]))
    if ends:
        n, most = max(ends, key=lambda end: end[1])
        ax.plot(n, 1.6 * most * n**-0.5, color=GREY, linewidth=1, label="a slope of \N{MINUS SIGN}0.50")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        decades(ax.yaxis)
        ax.xaxis.set_major_formatter(plain)
        figure.legend(loc="outside lower center", ncols=2)
    ax.set_xlabel("gradients averaged")
    ax.set_ylabel("RMS distance from the exact gradient")
    return figure
