"""What is not finite stops the fit, with the culprit's name and the last good state; what is the same compiles once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import taut
from taut.algorithms import NaturalGradient, Recipe, StochasticGradient
from taut.core.trees import cast
from taut.data.source import Source
from taut.families import MeanField
from taut.gradients import Reparametrization
from taut.learning.ended import Ended
from taut.learning.loop import learn
from taut.models import LogDensity, LogisticRegression, Normal, real
from taut.objectives import Elbo
from taut.problem import Problem

from ..helpers.compilations import compilations

WALL = 1.0


def nan_beyond(values):
    """A slope to the right, and no density at all beyond the wall."""
    return jnp.where(values["mu"] > WALL, jnp.nan, 3.0 * values["mu"])


def slope_nan_beyond(values):
    """Beyond the wall the value is 0 more and its derivative infinity times zero: the root of the square of zero."""
    return 3.0 * values["mu"] + jnp.sqrt(jnp.maximum(WALL - values["mu"], 0.0) ** 2)


def infinite_everywhere(values):
    return values["mu"] + jnp.inf


def climb(density, steps=400):
    """Steady steps to the right, with the last iterate as the answer."""
    problem = Problem(
        LogDensity(density, parameters={"mu": real()}),
        MeanField.around(np.zeros(1), 0.1),
        Elbo(),
        Reparametrization(samples=2),
    )
    algorithm = StochasticGradient(steps=steps, optimizer=Recipe(optax.sgd, 1e-3), averaging=None)
    with jax.enable_x64(True):
        return learn(cast(problem, "float64"), algorithm, Source(np.zeros((1, 0))))


@pytest.mark.parametrize(
    ("density", "culprit"),
    [(nan_beyond, "expected_log_likelihood (nan)"), (slope_nan_beyond, "the gradient of family.mean (nan)")],
)
def test_a_value_that_is_not_finite_ends_the_fit_where_it_was_last_good(density, culprit):
    outcome = climb(density)
    good = len(outcome.history["elbo"])
    assert outcome.ended is Ended.DIVERGED
    assert 100 < good < 400
    assert f"At step {good + 1}" in outcome.reason
    assert culprit in outcome.reason
    assert int(outcome.state.step) == good
    assert np.all(np.isfinite(outcome.history["elbo"]))
    # The state that is kept is that of a run with so many steps as its budget.
    shorter = climb(density, steps=good)
    assert shorter.ended is Ended.BUDGET_SPENT
    jax.tree.map(np.testing.assert_array_equal, outcome.problem.family, shorter.problem.family)
    np.testing.assert_array_equal(outcome.history["elbo"], shorter.history["elbo"])


def test_the_first_step_may_be_the_bad_one():
    outcome = climb(infinite_everywhere)
    assert outcome.ended is Ended.DIVERGED
    assert "At step 1 " in outcome.reason
    assert "expected_log_likelihood (inf)" in outcome.reason
    assert "first step" in outcome.reason
    np.testing.assert_array_equal(outcome.problem.family.mean, [0.0])
    assert {"elbo", "bound"} <= outcome.history.keys()
    assert all(len(x) == 0 for x in outcome.history.values())


def test_a_minibatch_that_is_bad_is_named_by_its_rows():
    rows = np.where(np.arange(40) == 17, 1e300, 1.0)
    model = LogDensity(
        parameters={"mu": real()},
        log_likelihood=lambda v, x: -((v["mu"] * x) ** 2) * x,
        log_prior=lambda v: -0.5 * v["mu"] ** 2,
    )
    fit = taut.fit(model, rows, batch_size=4, steps=60)
    assert fit.ended is Ended.DIVERGED
    step = int(fit.reason.split("At step ")[1].split()[0])
    batch = Source(rows, batch_size=4, seed=0).plan(step - 1, 1)[0]
    assert 17 in batch
    assert f"on the batch of rows {', '.join(map(str, batch))}" in fit.reason
    assert np.all(np.isfinite(fit.posterior.mean))


def test_a_fit_that_diverged_still_answers():
    model = LogDensity(infinite_everywhere, parameters={"mu": real()})
    fit = taut.fit(model, gradient="reparametrization", steps=20)
    assert fit.ended is Ended.DIVERGED
    assert "not usable" in str(fit)
    assert fit.to_json()["ended"] == "diverged"


@pytest.mark.slow
def test_a_run_that_ends_below_its_start_has_diverged():
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int)
    algorithm = StochasticGradient(steps=200, optimizer=Recipe(optax.sgd, 3.0), averaging=None)
    fit = taut.fit(LogisticRegression(), (X, y), family="mean-field", gradient="reinforce", algorithm=algorithm)
    assert fit.ended is Ended.DIVERGED
    assert fit.reason


def data(rows=100):
    r = np.random.default_rng(9)
    X = r.normal(size=(rows, 3))
    return X, (X[:, 0] + r.normal(size=rows) > 0).astype(int)


def natural(rows=100, scale=1.0):
    taut.fit(LogisticRegression(Normal(0.0, scale)), data(rows), family="full-rank", algorithm=NaturalGradient())


def stochastic(rows=100, seed=0, batch_size=10):
    rate = Recipe(optax.cosine_decay_schedule, 0.01, 30)
    algorithm = StochasticGradient(steps=30, optimizer=Recipe(optax.adam, rate))
    taut.fit(
        LogisticRegression(),
        data(rows),
        family="mean-field",
        gradient=Reparametrization(samples=3),
        algorithm=algorithm,
        batch_size=batch_size,
        seed=seed,
    )


def by_density():
    model = LogDensity(nan_beyond, parameters={"mu": real()})
    taut.fit(model, algorithm=StochasticGradient(steps=20, learning_rate=1e-4))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(natural, natural, id="natural gradient"),
        pytest.param(natural, lambda: natural(rows=99), id="natural gradient, a row fewer"),
        pytest.param(natural, lambda: natural(scale=3.0), id="natural gradient, another prior"),
        pytest.param(stochastic, stochastic, id="stochastic gradient, new and equal optimizer"),
        pytest.param(stochastic, lambda: stochastic(rows=98), id="stochastic gradient, two rows fewer"),
        pytest.param(stochastic, lambda: stochastic(seed=5), id="stochastic gradient, another seed"),
        pytest.param(by_density, by_density, id="log density"),
    ],
)
def test_a_second_fit_of_the_kind_compiles_nothing(first, second):
    first()
    with compilations() as seen:
        second()
    assert not seen


def test_compilations_are_noticed():
    stochastic()
    with compilations() as seen:
        stochastic(batch_size=11)
    assert seen
