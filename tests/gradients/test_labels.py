"""Labels of estimators that stand side by side."""

import pytest

from taut.gradients import Exact, LeaveOneOut, MovingAverage, Reinforce, Reparametrization, StraightThrough
from taut.gradients.labels import labels

CASES = {
    "draws": ([Reparametrization(1), Reparametrization(8)], ["samples=1", "samples=8"]),
    "two arguments": (
        [Reinforce(10, MovingAverage(0.5)), Reinforce(20, MovingAverage(0.9))],
        ["samples=10, control=MovingAverage(decay=0.5)", "samples=20, control=MovingAverage(decay=0.9)"],
    ),
    "a control variate": (
        [Reinforce(10, MovingAverage(0.5)), Reinforce(10, MovingAverage(0.9))],
        ["control=MovingAverage(decay=0.5)", "control=MovingAverage(decay=0.9)"],
    ),
    "a temperature": (
        [StraightThrough(temperature=0.1), StraightThrough(temperature=1.0)],
        ["temperature=0.1", "temperature=1.0"],
    ),
    "nothing": ([Exact(), Exact()], ["number 1", "number 2"]),
}


@pytest.mark.parametrize(("gradients", "told_apart"), CASES.values(), ids=CASES)
def test_two_of_one_kind_are_told_apart_by_what_differs(gradients, told_apart):
    assert labels(gradients) == [f"{g.label}, {by}" for g, by in zip(gradients, told_apart, strict=True)]


def test_what_differs_in_kind_keeps_its_label():
    shelf = [Reinforce(10, LeaveOneOut()), Reinforce(20, MovingAverage()), Exact(), Reparametrization()]
    assert labels(shelf) == [g.label for g in shelf]
