"""Colour, marker and line of each gradient estimator, the same in every figure."""

import functools
from collections.abc import Iterable
from typing import NamedTuple

from taut.gradients import estimators
from taut.report.figures.style import BLUE, GREY, ORANGE, RED

GREEN, SKY, PINK = "#009e73", "#56b4e9", "#cc79a7"
"""More of Okabe and Ito's colours."""
COLOURS = (BLUE, ORANGE, GREEN, RED, SKY, PINK, "black")
LINES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")


class Look(NamedTuple):
    """How an estimator is drawn.

    Attributes:
        colour: The colour of lines and markers.
        marker: Matplotlib's code of the marker.
        line: Matplotlib's code of the line style.
    """

    colour: str
    marker: str
    line: str


ELSEWHERE = Look(GREY, "*", "-.")
"""The look of an estimator that is not one of Taut's own."""


def looks(names: Iterable[str]) -> list[Look]:
    """The look of each estimator, by its place among the sorted labels of all public estimators.

    Args:
        names: The labels of the estimators.

    Example:
        >>> looks(["disarm", "their own"])
        [Look(colour='#0072b2', marker='o', line='-'), Look(colour='#8a929b', marker='*', line='-.')]
    """
    known = _looks_by_label()
    return [known.get(name, ELSEWHERE) for name in names]


@functools.cache
def _looks_by_label() -> dict[str, Look]:
    labels = sorted({estimator.label for estimator in estimators()})
    # Colours are used up before the line changes, so that no two estimators have both in common.
    return {
        label: Look(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], LINES[i // len(COLOURS) % len(LINES)])
        for i, label in enumerate(labels)
    }
