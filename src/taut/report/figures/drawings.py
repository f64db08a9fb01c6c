"""What a section draws: a figure to hand out, and the same as the content of an image in a page."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from taut.report.figures.pictures import inline_png, tiled
from taut.report.figures.style import WIDTH, inline, styled


class Drawing(abc.ABC):
    """Something drawn, which costs nothing until it is looked at.

    Attributes:
        looks: The class of its image in a page, by which `page.css` knows what a dark page may do with it.
    """

    looks: ClassVar[str]

    @property
    @abc.abstractmethod
    def address(self) -> str:
        """The address of an image that is its own content."""

    @abc.abstractmethod
    def figure(self) -> Figure:
        """The same as a figure of Matplotlib."""


@dataclasses.dataclass(frozen=True)
class Lines(Drawing):
    """A figure of lines, dots and text.

    Attributes:
        draw: Makes the figure.
        arguments: Of `draw`.
    """

    looks = "lines"

    draw: Callable[..., Figure]
    arguments: tuple[Any, ...]

    @classmethod
    def of(cls, draw: Callable[..., Figure], *arguments: Any) -> "Lines":
        """`draw(*arguments)`, when it is looked at."""
        return cls(draw, arguments)

    @property
    def address(self):
        """An SVG without a background."""
        return inline(self.draw, *self.arguments)

    def figure(self):
        """In the look of the page, on white."""
        return styled(self.draw, *self.arguments)


class Colours(Lines):
    """A figure whose colours are read against a scale, so that they must stay what they are."""

    looks = "colours"


@dataclasses.dataclass(frozen=True)
class Pixels(Drawing):
    """Images of a model, side by side.

    Attributes:
        images: `[n, h, w]` or `[n, h, w, channels]`, values from 0 to 1.
        columns: Number of them in a row.
    """

    looks = "pixels"

    images: np.ndarray
    columns: int

    @property
    def address(self):
        """A PNG with whole screen pixels for each of theirs."""
        return inline_png(self.images, self.columns)

    def figure(self):
        """Without axes."""
        return styled(_pixels, tiled(self.images, self.columns))


def _pixels(picture: np.ndarray) -> Figure:
    height, width, _ = picture.shape
    figure = Figure(figsize=(WIDTH, WIDTH * height / width))
    ax: Any = figure.subplots()
    ax.imshow(picture, interpolation="nearest")
    ax.set_axis_off()
    return figure
