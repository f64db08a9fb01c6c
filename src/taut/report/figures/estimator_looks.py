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
    names, known = list(names), _looks_by_label()
    others = [name for name in names if name not in known]
    return [known.get(name) or _elsewhere(others.index(name)) for name in names]


def _elsewhere(i: int) -> EstimatorLook:
    """The look of the i-th estimator that has none of its own; two that share a class are told apart by it."""
    return ELSEWHERE if i == 0 else EstimatorLook(GREY, MARKERS[(i - 1) % len(MARKERS)], LINES[(i - 1) % len(LINES)])


@functools.cache
def _looks_by_label() -> dict[str, EstimatorLook]:
    labels = sorted({estimator.label for estimator in estimators()})
    colours, lines, markers = len(COLOURS), len(LINES), len(MARKERS)
    # All colours are used before the line style changes, so that no two estimators share both.
    return {
        label: EstimatorLook(COLOURS[i % colours], MARKERS[i % markers], LINES[i // colours % lines])
        for i, label in enumerate(labels)
    }
