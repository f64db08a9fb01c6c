"""Stochastic gradient ascent: the averaging, the rate, what moves and what does not; recipes compare by value."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from taut.algorithms import Recipe, StochasticGradient
from taut.core.trees import cast
from taut.data.source import Source
from taut.errors import ArgumentError
from taut.families import MeanField
from taut.gradients import Exact, Reinforce, Reparametrization
from taut.learning.loop import learn
from taut.models import LogDensity, LogisticRegression, Normal, real
from taut.objectives import Elbo
from taut.problem import Problem

pytestmark = pytest.mark.usefixtures("x64")
rng = np.random.default_rng(17)
X, Y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30).astype(float)
SGD = Recipe(optax.sgd, 0.01)


def run(steps, averaging=None, gradient=None, optimizer=SGD):
    model = LogisticRegression(Normal(0.1, 2.0))
    problem = cast(Problem(model, MeanField.around(np.zeros(2)), Elbo(), gradient or Exact()), "float64")
    return learn(problem, StochasticGradient(steps, None, optimizer, averaging), Source((X, Y)))


def exact_slope(mean, log_sd):
    """The ELBO's derivative in NumPy, by the trapezoid rule."""
    nodes = np.arange(-10, 10, 0.02)
    density = 0.02 * np.exp(-0.5 * nodes**2) / np.sqrt(2 * np.pi)
    variance = np.exp(2 * log_sd)
    p = 1 / (1 + np.exp(-((X @ mean)[:, None] + np.sqrt(X**2 @ variance)[:, None] * nodes)))
    in_mean = X.T @ (Y - p @ density) - (mean - 0.1) / 4
    in_variance = -0.5 * (X**2).T @ ((p * (1 - p)) @ density) - 0.5 / 4
    return in_mean, 1 + 2 * variance * in_variance


def test_without_a_rate_the_distance_to_the_answer_is_found():
    # Adam at its suggested rate makes at most 400 * 0.03 / 2 = 6 of the 300 units to the mean; six sds from the start.
    model = LogDensity(lambda v: -0.5 * jnp.sum(((v["x"] - 300.0) / 50.0) ** 2), parameters={"x": real(2)})
    batch = Source(np.zeros((1, 0)))
    problem = cast(Problem(model, MeanField.around(np.zeros(2)), Elbo(), Reparametrization()), "float64")
    answer: Any = learn(problem, StochasticGradient(400, None, "d-adaptation", 8.0), batch).problem.family
    np.testing.assert_allclose(answer.mean, 300.0, atol=25.0)  # half an sd
    with pytest.raises(ArgumentError, match="adamw"):
        StochasticGradient(optimizer="adamw")


@pytest.fixture(scope="module")
def path():
    """The first iterates of plain gradient ascent, step by step in NumPy."""
    iterates = [(np.zeros(2), np.zeros(2))]
    for _ in range(6):
        mean, log_sd = iterates[-1]
        in_mean, in_log_sd = exact_slope(mean, log_sd)
        iterates.append((mean + 0.01 * in_mean, log_sd + 0.01 * in_log_sd))
    return np.array(iterates)


def test_it_climbs_the_elbo(path):
    family = run(6).problem.family
    np.testing.assert_allclose([family.mean, family.log_sd], path[-1], atol=1e-8)


@pytest.mark.parametrize("eta", [0.0, 8.0])
def test_the_answer_is_the_polynomial_decay_average(path, eta):
    average = path[0]
    for t in range(1, 7):
        weight = (eta + 1) / (t + eta)
        average = (1 - weight) * average + weight * path[t]
    if eta == 0:
        np.testing.assert_allclose(average, path[1:].mean(0))
    outcome = run(6, averaging=eta)
    np.testing.assert_allclose([outcome.problem.family.mean, outcome.problem.family.log_sd], average, atol=1e-8)
    # The run goes on from the iterate, not from the average.
    np.testing.assert_allclose(outcome.state.problem.family.mean, path[-1][0], atol=1e-8)


def test_only_the_family_moves(path):
    outcome = run(6)
    assert float(outcome.problem.model.prior.loc) == 0.1
    assert float(outcome.problem.model.prior.scale) == 2.0


def test_the_elbo_of_a_step_is_that_before_it():
    outcome = run(3)
    np.testing.assert_array_equal(outcome.history["bound"], outcome.history["elbo"])
    assert np.all(np.diff(outcome.history["elbo"]) > 0)  # exact gradients, small steps


def test_every_step_has_draws_of_its_own():
    # Standing still, all steps estimate one number, each with other noise: a hundred of them scatter around it.
    seen = run(100, gradient=Reparametrization(samples=2), optimizer=Recipe(optax.sgd, 0.0)).history["elbo"]
    exact = run(1, optimizer=Recipe(optax.sgd, 0.0)).history["elbo"][0]
    assert np.unique(seen).size == 100
    # 4 standard errors: one seed in 16,000 fails.
    assert abs(seen.mean() - exact) < 4 * seen.std() / 10


@pytest.mark.parametrize("gradient", [Exact(), Reparametrization(), Reinforce()])
def test_the_default_rate_suits_the_estimator_and_falls_to_zero(gradient):
    problem = Problem(LogisticRegression(), MeanField.around(np.zeros(2)), Elbo(), gradient)
    recipe = StochasticGradient(steps=100).recipe(problem)
    assert recipe == Recipe(optax.adam, Recipe(optax.cosine_decay_schedule, gradient.learning_rate, 100))
    rate = recipe.arguments[0].build()
    seen = np.array([rate(0), rate(50), rate(100)])
    np.testing.assert_allclose(seen / gradient.learning_rate, [1, 0.5, 0], atol=1e-6)
    mine = StochasticGradient(steps=100, learning_rate=0.5).recipe(problem)
    assert mine.arguments[0].arguments == (0.5, 100)


def test_recipes_compare_by_value_and_build_what_they_say():
    def make(rate):
        return Recipe(optax.adam, Recipe(optax.exponential_decay, rate, 10, decay_rate=0.5), b1=0.8)

    assert make(0.1) == make(0.1)
    assert hash(make(0.1)) == hash(make(0.1))
    assert make(0.1) != make(0.2)
    assert Recipe(optax.sgd, 0.1) != Recipe(optax.adam, 0.1)
    assert Recipe(optax.adam, 0.1, b1=0.9, b2=0.99) == Recipe(optax.adam, 0.1, b2=0.99, b1=0.9)
    mine, theirs = make(0.1).build(), optax.adam(optax.exponential_decay(0.1, 10, decay_rate=0.5), b1=0.8)
    gradient, parameters = np.array([1.0, -2.0]), np.zeros(2)
    updates = [o.update(gradient, o.init(parameters), parameters)[0] for o in (mine, theirs)]
    np.testing.assert_array_equal(*updates)


def test_a_ready_made_optimizer_will_do():
    recipe, ready = run(6), run(6, optimizer=optax.sgd(0.01))
    jax.tree.map(np.testing.assert_array_equal, recipe.problem.family, ready.problem.family)


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: StochasticGradient(steps=0), "steps=0"),
        (lambda: StochasticGradient(steps=1e3), "steps=1000.0"),
        (lambda: StochasticGradient(learning_rate=0.0), "learning_rate=0"),
        (lambda: StochasticGradient(learning_rate=float("nan")), "nan"),
        (lambda: StochasticGradient(averaging=-1.0), "averaging=-1"),
    ],
)
def test_senseless_arguments_are_refused(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()
