"""The gradient's variance that history carries: against closed forms at a frozen place, and by every optimizer."""

import jax
import numpy as np
import optax
import pytest

from taut.algorithms import Recipe, StochasticGradient
from taut.algorithms.gradient_noise import EVERY
from taut.core.trees import cast
from taut.data.source import Source
from taut.families import MeanField
from taut.gradients import Exact, NoControl, Reinforce, Reparametrization
from taut.learning.loop import learn
from taut.models import LogisticRegression
from taut.objectives import Elbo
from taut.problem import Problem
from taut.studies.toys import Toy

pytestmark = pytest.mark.usefixtures("x64")
STEPS = 16_000
FROZEN = StochasticGradient(STEPS, None, Recipe(optax.sgd, 0.0), None)


def history(gradient, algorithm=FROZEN):
    toy = Toy("cos", 1.0)
    problem = cast(Problem(toy.model, toy.family, toy.objective, gradient), "float64")
    return learn(problem, algorithm, Source(np.zeros((1, 0))), seed=3).history


def mean_and_error(values, batches=20):
    """Of a stationary series, the error by means of batches."""
    means = np.array([b.mean() for b in np.array_split(values, batches)])
    return means.mean(), means.std(ddof=1) / np.sqrt(batches)


@pytest.mark.parametrize(
    ("gradient", "name"), [(Reparametrization(1), "reparametrization"), (Reinforce(1, NoControl()), "reinforce (none)")]
)
def test_a_frozen_toy_has_its_closed_form(gradient, name):
    """2,000 looks each: within 4 standard errors by 20 batches, four numbers; a right one fails one seed in 1,200."""
    seen, toy = history(gradient), Toy("cos", 1.0)
    parameters = ("mean", "sd")  # sd is 1, so that the derivative in its logarithm is the same
    variance, error = mean_and_error(seen["gradient_variance"][200:])
    assert abs(variance - sum(toy.closed_form_variance(name, p) for p in parameters)) < 4 * error
    assert error < 0.1 * variance
    if name == "reparametrization":  # beside more noise a signal is at times below zero, and shown as zero
        signal, error = mean_and_error(seen["signal_to_noise"][200:] * seen["gradient_variance"][200:])
        assert abs(signal - sum(toy.gradient(p) ** 2 for p in parameters)) < 4 * error


def test_adams_own_mean_gives_the_same():
    own = history(Reparametrization(1), StochasticGradient(200, None, Recipe(optax.sgd, 0.0), None))
    adam = history(Reparametrization(1), StochasticGradient(200, 1e-13, None, None))
    for name in ("gradient_variance", "signal_to_noise"):
        np.testing.assert_allclose(adam[name], own[name], rtol=1e-8)


def test_adam_keeps_no_second_mean():
    toy = Toy("cos", 1.0)
    problem = cast(Problem(toy.model, toy.family, toy.objective, Reparametrization(1)), "float64")
    states = [StochasticGradient(5, optimizer=o).init(problem, np.float64) for o in (None, Recipe(optax.sgd, 0.1))]
    assert not jax.tree.leaves(states[0].noise.mean)
    assert len(jax.tree.leaves(states[1].noise.mean)) == 2


def test_the_first_step_says_nothing_and_the_second_something():
    seen = history(Reparametrization(2), StochasticGradient(2 * EVERY, None, Recipe(optax.sgd, 0.0), None))
    for name in ("gradient_variance", "signal_to_noise"):
        assert np.isnan(seen[name][0])
        assert np.isfinite(seen[name][1:]).all()
        assert len(np.unique(seen[name][1:])) == 2  # a look every eighth step


def test_an_exact_gradient_has_no_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, 20).astype(float)
    problem = cast(Problem(LogisticRegression(), MeanField.around(np.zeros(2)), Elbo(), Exact()), "float64")
    algorithm = StochasticGradient(20, None, Recipe(optax.sgd, 0.0), None)
    assert learn(problem, algorithm, Source((X, y))).history["gradient_variance"][-1] < 1e-20
