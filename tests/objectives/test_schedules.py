"""Schedules: exact values, and no training that ends before they do."""

import numpy as np
import pytest

from taut.errors import ArgumentError
from taut.objectives import Cosine, Cyclical, Elbo, Linear, Weighted


def values(schedule, steps):
    return [round(float(schedule(step)), 6) for step in steps]


def test_linear():
    assert values(Linear(100), (0, 1, 50, 99, 100, 10**6)) == [0.0, 0.01, 0.5, 0.99, 1.0, 1.0]
    assert values(Linear(10, start=4.0, end=1.0), (0, 5, 10, 11)) == [4.0, 2.5, 1.0, 1.0]


def test_cosine():
    quarter = 0.5 * (1 - np.cos(np.pi / 4))
    assert values(Cosine(100), (0, 25, 50, 100, 1000)) == [0.0, round(quarter, 6), 0.5, 1.0, 1.0]
    assert values(Cosine(10, start=2.0, end=0.5), (0, 5, 10)) == [2.0, 1.25, 0.5]


def test_cyclical():
    # Four cycles of 25 steps, of which the first half rises.
    schedule = Cyclical(100, cycles=4, ramp=0.5)
    assert values(schedule, (0, 5, 12, 13, 24, 25, 30, 99, 100, 5000)) == [0, 0.4, 0.96, 1, 1, 0, 0.4, 1, 1, 1]
    assert values(Cyclical(10, cycles=1, ramp=1.0, start=1.0, end=3.0), (0, 5, 10)) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("schedule", [Linear(100), Cosine(100), Cyclical(100)])
def test_a_training_that_ends_before_the_schedule_is_refused(schedule):
    schedule.check(100)
    with pytest.raises(ArgumentError, match=r"step 100 and training ends at step 99"):
        Weighted(schedule).check(99)
    Elbo().check(1)
    Weighted(4.0).check(1)


@pytest.mark.parametrize("build", [lambda: Linear(0), lambda: Cosine(-3), lambda: Cyclical(2.5), lambda: Linear("9")])
def test_steps_are_a_positive_whole_number(build):
    with pytest.raises(ArgumentError, match="positive whole number"):
        build()


@pytest.mark.parametrize("wrong", [{"cycles": 0}, {"ramp": 0.0}, {"ramp": 1.5}])
def test_cycles_make_sense(wrong):
    with pytest.raises(ArgumentError, match="at least one cycle"):
        Cyclical(100, **wrong)
