"""How every figure of the page looks, and how it gets into the page."""

import base64
import functools
import io
import warnings
from collections.abc import Callable
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe and Ito's colours can be told apart by the colour-blind; and so can light and dark.
BLUE, ORANGE, RED, GREY, INK = "#0072b2", "#e69f00", "#d55e00", "#8a929b", "#1f2933"

WIDTH = 5.2
"""Inches: at this width the text stays readable when a telephone shrinks the figure to its screen."""

LOOK: list[Any] = [
    "default",  # whatever the user's own matplotlib settings are
    {
        "axes.edgecolor": "#9aa3ad",
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 10,
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "font.size": 9.5,
        "legend.fontsize": 8.5,
        "legend.frameon": False,
        "svg.fonttype": "none",  # text stays text: small, and in the reader's own fonts where ours lack a letter
        "svg.hashsalt": "taut",  # equal fits give equal pages
        "text.color": INK,
        "text.parse_math": False,  # a column may be called "price in $, cost in $"
        "xtick.color": "#52606d",
        "ytick.color": "#52606d",
    },
]

CLEAR = {"axes.facecolor": "none", "figure.facecolor": "none"}
"""No background."""


def inline(draw: Callable[..., Figure], *arguments: Any) -> str:
    """Draw a figure and return it as the address of an image that is its own content.

    As an image it is apart from the page: whatever a column is called, nothing in it acts, and names never clash.

    Args:
        draw: makes the figure.
        *arguments: of `draw`.
    """
    return "data:image/svg+xml;base64," + base64.b64encode(svg(draw, *arguments, transparent=True)).decode()


def svg(draw: Callable[..., Figure], *arguments: Any, transparent: bool = False) -> bytes:
    """Draw a figure and return it as the content of an SVG file.

    Args:
        draw: makes the figure.
        *arguments: of `draw`.
        transparent: Whether it has no background, so that it lies on that of a page.
    """
    file = io.BytesIO()
    with style.context([*LOOK, CLEAR] if transparent else LOOK), warnings.catch_warnings():
        # The letters of all the world's scripts are in no one font; the browser finds one that has them.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        # Not by `savefig`, which draws a figure once more before, to find its layout.
        FigureCanvasSVG(draw(*arguments)).print_svg(file, metadata={"Date": None})
    return file.getvalue()


def styled(draw: Callable[..., Figure], *arguments: Any) -> Figure:
    """Draw a figure in the look of the page, whatever the user's own settings are, that a notebook shows as a picture.

    Args:
        draw: makes the figure.
        *arguments: of `draw`.
    """
    with style.context(LOOK):
        figure = draw(*arguments)
    # A notebook knows only figures made by pyplot, which would keep them all.
    vars(figure)["_repr_png_"] = functools.partial(_png, figure)
    return figure


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


def vertical_grid(ax: Axes) -> None:
    """Light lines to read values of x by."""
    ax.grid(axis="x", color="#e4e7eb", linewidth=0.7)
    ax.set_axisbelow(True)


def plain(value: float, _: Any = None) -> str:
    """A tick label that needs no mathematics typeset."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
