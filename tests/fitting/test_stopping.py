"""When a training on examples stops, where that was left open."""

import numpy as np
import pytest

from taut.algorithms import StochasticGradient
from taut.choosing.choose import Choice
from taut.data.given import Rows
from taut.families.amortized import Amortized
from taut.fitting.stopping import MOST_STEPS, with_stopping
from taut.gradients import Reparametrization
from taut.learning.monitors import PATIENCE
from taut.models.latent import LatentVariableModel
from taut.networks import MLP
from taut.objectives import Constrained, Elbo, at_least
from taut.problem import Problem

X = np.zeros((8, 4))
BOUND = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))


def asked(patience=None, *, budget_open=True, validation=X, objective=None):
    """Steps and patience that come of it."""
    model = LatentVariableModel(MLP([2, 4]), "bernoulli", 2)
    problem = Problem(model, Amortized(MLP([4, 4])), objective or Elbo(), Reparametrization(samples=1))
    choice = Choice(problem, StochasticGradient(steps=5000), {})
    choice, patience = with_stopping(choice, Rows(X, None, validation=validation), patience, budget_open=budget_open)
    return choice.algorithm.steps, patience


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (MOST_STEPS, PATIENCE)),
        ({"patience": 3}, (MOST_STEPS, 3)),
        ({"budget_open": False}, (5000, None)),  # a budget that was asked for is made
        ({"budget_open": False, "patience": 3}, (5000, 3)),
        ({"validation": None}, (5000, None)),  # nothing to look at
        ({"objective": BOUND}, (5000, None)),  # keeps the best iterate that meets it
    ],
)
def test_what_was_left_open_stops_by_its_own_rule(given, expected):
    assert asked(**given) == expected
