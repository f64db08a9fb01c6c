"""What the monitors keep and when they stop, on made-up looks."""

import numpy as np
import pytest

from taut.diagnostics.elbo import Bound
from taut.families.amortized import Amortized
from taut.gradients import Reparametrization
from taut.learning.monitors import BestFeasible, EarlyStopping
from taut.models.latent import LatentVariableModel
from taut.networks import MLP
from taut.objectives import Constrained, at_least
from taut.problem import Problem

OBJECTIVE = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))
MODEL = LatentVariableModel(MLP([2, 4]), "bernoulli", 2)
EVERY = 100


def problem_of(number):
    """One that can be told from the others by its encoder."""
    encoder = MLP([4, 4], seed=number)
    return Problem(MODEL, Amortized(encoder), OBJECTIVE, Reparametrization(samples=1))


def same(a, b):
    return np.array_equal(a.family.encoder.layers[0].weight, b.family.encoder.layers[0].weight)


def looked(looks, monitor=None, first=0):
    """A monitor after looks of (violation, kl, multiplier), and the last answer to whether to stop."""
    monitor, stop = monitor or BestFeasible(EVERY, OBJECTIVE), None
    for number, (violation, kl, multiplier) in enumerate(looks, first):

        def path(x):
            return np.full((EVERY, 1), x)

        history = {"violation": path(violation), "multiplier": path(multiplier), "kl": np.full(EVERY, kl)}
        stop = monitor.look((number + 1) * EVERY, problem_of(number), history)
    return monitor, stop


@pytest.mark.parametrize(
    ("looks", "best"),
    [
        ([(9.0, 1.0, 1.0), (3.0, 50.0, 1.0), (5.0, 2.0, 1.0)], 1),  # none feasible: the least violation
        ([(0.7, 30.0, 1.0), (-2.0, 25.0, 1.0), (-9.0, 27.0, 1.0)], 1),  # feasible: the least aim, slack does not count
        ([(-1.0, 9e9, 1.0), (3.0, 1.0, 1.0)], 0),  # a feasible one before any other, however large its aim
        ([(3.0, 1.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 1.0)], 1),  # the first of equals
    ],
)
def test_the_best_feasible_iterate_is_kept(looks, best):
    monitor, stop = looked(looks)
    assert same(monitor.chosen(problem_of(99)), problem_of(best))
    assert stop is None


def test_the_worst_constraint_decides():
    both = Constrained("kl", subject_to=(*OBJECTIVE.subject_to, at_least("elbo", -100.0)))
    monitor = BestFeasible(EVERY, both)
    for violation in ([-5.0, 3.0], [0.5, 0.5]):
        history = {"violation": np.tile(violation, (EVERY, 1)), "multiplier": np.ones((EVERY, 2)), "kl": np.ones(EVERY)}
        monitor.look(EVERY, problem_of(0), history)
    assert [score[0] for score in monitor.scores] == [0.0, 1.0]


def test_growth_without_progress_is_called_out_of_reach():
    growing = [(40.0 - 0.1 * k, 30.0, 2.0 * 2.0**k) for k in range(8)]
    monitor, stop = looked(growing)
    assert stop is not None
    assert "expected_log_likelihood>=-80 seems out of reach" in stop
    assert "Ask for less than -119.3" in stop
    assert looked(growing[:7])[1] is not None  # 128 times its start
    assert looked(growing[:6])[1] is None


def test_growth_with_progress_goes_on():
    assert looked([(40.0 * 0.9**k, 30.0, 2.0 * 2.0**k) for k in range(9)])[1] is None  # the violation falls
    assert looked([(0.5, 30.0, 2.0 * 2.0**k) for k in range(9)])[1] is None  # met
    assert looked([(40.0, 30.0, 500.0)] * 9)[1] is None  # large, and at rest


def test_a_restored_monitor_decides_as_the_unbroken_one():
    looks = [(40.0 - 0.1 * k, 30.0, 2.0 * 2.0**k) for k in range(8)]
    whole, said = looked(looks)
    first, _ = looked(looks[:4])
    again = BestFeasible(EVERY, OBJECTIVE)
    again.restore(first.arrays(), problem_of(0))
    again, stop = looked(looks[4:], again, first=4)
    assert (stop, again.scores, again.steps) == (said, whole.scores, whole.steps)
    assert same(again.chosen(problem_of(99)), whole.chosen(problem_of(99)))


def test_early_stopping_keeps_the_best_and_stops_after_its_patience():
    values = iter([-100.0, -90.0, -91.0, -92.0])
    monitor = EarlyStopping(lambda _: next(values), EVERY, patience=2)
    said = [monitor.look((k + 1) * EVERY, problem_of(k), {}) for k in range(4)]
    assert said[:3] == [None] * 3
    assert said[3] == (
        "The validation ELBO was best at step 200 (-90) and has not risen in the last 2 looks, one each 100 steps."
    )
    assert same(monitor.chosen(problem_of(99)), problem_of(1))
    assert monitor.arrays()["scores"].shape == (4,)


@pytest.mark.parametrize(
    ("scores", "stops", "best"),
    [
        ([-100.0, -90.0, -89.97, -89.95], 3, 3),  # better and better, by what does not count; the best is kept
        ([-100.0, -90.0, -89.95, -89.90, -89.85, -89.8], None, 5),  # slow, and yet a tenth of a percent in two looks
        ([-0.5, -0.4996, -0.4993, -0.4991], 2, 2),  # below one nat it is a thousandth of a nat
        ([100.0, 100.05, 100.09, 100.2], 2, 2),  # of densities above one
    ],
)
def test_a_rise_of_less_than_a_tenth_of_a_percent_does_not_count(scores, stops, best):
    values = iter(scores)
    monitor = EarlyStopping(lambda _: next(values), EVERY, patience=2)
    said = [
        monitor.look((k + 1) * EVERY, problem_of(k), {}) for k in range(len(scores) if stops is None else stops + 1)
    ]
    assert [k for k, sentence in enumerate(said) if sentence] == ([] if stops is None else [stops])
    assert same(monitor.chosen(problem_of(99)), problem_of(best))


def test_early_stopping_keeps_both_terms_of_each_look():
    looks = [Bound(-90.0, -70.0, 20.0, 0.1), Bound(-85.0, -66.0, 19.0, 0.1)]
    monitor = EarlyStopping(lambda _: looks[len(monitor.scores)], EVERY, patience=2)
    for k in range(2):
        monitor.look((k + 1) * EVERY, problem_of(k), {})
    assert monitor.scores == [-90.0, -85.0]
    again = EarlyStopping(lambda _: looks[0], EVERY, patience=2)
    again.restore(monitor.arrays())
    assert again.terms == monitor.terms == [(-70.0, 20.0), (-66.0, 19.0)]
