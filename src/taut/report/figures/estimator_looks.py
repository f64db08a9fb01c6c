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


class EstimatorLook(NamedTuple):
    """How an estimator is drawn.

    Attributes:
        colour: The colour of lines and markers.
        marker: Matplotlib's code of the marker.
        line: Matplotlib's code of the line style.
    """

    colour: str
    marker: str
    line: str


ELSEWHERE = EstimatorLook(GREY, "*", "-.")
"""The look of an estimator that is not one of Taut's own."""


def looks(names: Iterable[str]) -> list[EstimatorLook]:
    """The look of each estimator, by its place among the sorted labels of all public estimators.

    Args:
        names: The labels of the estimators.

    Example:
        >>> looks(["disarm", "their own"])
        [EstimatorLook(colour='#0072b2', marker='o', line='-'), EstimatorLook(colour='#8a929b', marker='*', line='-.')]
    """
    known = _looks_by_label()
    return [known.get(name, ELSEWHERE) for name in names]


@functools.cache
def _looks_by_label() -> dict[str, EstimatorLook]:
    labels = sorted({estimator.label for estimator in estimators()})
    colours, lines, markers = len(COLOURS), len(LINES), len(MARKERS)
    # All colours are used before the line style changes, so that no two estimators share both.
    return {
        label: EstimatorLook(COLOURS[i % colours], MARKERS[i % markers], LINES[i // colours % lines])
        for i, label in enumerate(labels)
    }
