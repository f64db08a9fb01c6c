"""Where examples lie in the latent space, and what each unit of it costs."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from taut.report.figures.style import BLUE, GREY, INK, ORANGE, RED, WIDTH
from taut.report.words.numbers import label

COLOURS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#56b4e9", RED, "#7a5195", "#8c6d31", GREY, INK)
"""Two labels may look alike in colour, hence the letters below."""


def latent_map(places: np.ndarray, labels: np.ndarray, axes: list[str]) -> Figure:
    """Examples in a plane, each drawn as its label.

    Args:
        places: `[n, 2]`.
        labels: `[n]`, or empty.
        axes: What the two axes are called; empty where they mean nothing.
    """
    figure = Figure(figsize=(WIDTH, WIDTH))
    ax = figure.subplots()
    x, y = places.T
    kinds = np.unique(labels) if len(labels) else np.zeros(0)
    if 0 < len(kinds) <= len(COLOURS):
        for kind, colour in zip(kinds, COLOURS, strict=False):
            here = labels == kind
            mark, size = (_letter(str(kind)), 34 if len(places) < 600 else 16) if _short(kind) else ("o", 12)
            ax.scatter(
                x[here], y[here], size, color=colour, marker=mark, linewidths=0.2, alpha=0.8, label=label(kind, 16)
            )
        if not all(map(_short, kinds)):
            ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    else:
        ax.scatter(x, y, 10, color=BLUE, alpha=0.6, linewidths=0)
    if axes:
        ax.set(xlabel=axes[0], ylabel=axes[1])
    else:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    ax.set_aspect("equal", adjustable="datalim")
    return figure


def _short(kind: Any) -> bool:
    return len(str(kind)) == 1 and str(kind).isalnum()


def _letter(text: str) -> Path:
    """A letter as a marker, its middle on the point."""
    outline = TextPath((0, 0), text, size=1)
    box: Any = outline.get_extents()
    return Path(outline.vertices - (box.min + box.max) / 2, outline.codes)


def kl_bars(kl: np.ndarray, active: np.ndarray) -> Figure:
    """The KL of each unit, largest first.

    Args:
        kl: `[latent]`, nats per example.
        active: `[latent]`, whether the unit's posterior mean moves with the example.
    """
    order = np.argsort(-kl, kind="stable")
    figure = Figure(figsize=(WIDTH, 2.8))
    ax = figure.subplots()
    places = np.arange(len(kl))
    ax.bar(places, kl[order], color=[BLUE if active[unit] else "#c4cad1" for unit in order], width=0.8)
    if len(kl) <= 30:
        ax.set_xticks(places, [str(unit) for unit in order], fontsize=8)
    ax.set_xlabel("unit" if len(kl) <= 30 else "units, largest first")
    ax.set_ylabel("KL (nats per example)")
    ax.grid(axis="y", color="#e4e7eb", linewidth=0.7)
    ax.set_axisbelow(True)
    return figure
