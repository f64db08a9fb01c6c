"""The gradient's variance that history carries: against closed forms at a frozen place, and by any cut into chunks."""

import jax
import numpy as np
import optax
import pytest

from taut.algorithms import Recipe, StochasticGradient
from taut.algorithms.gradient_noise import EVERY, SLOW, WINDOW, Noise, steps_to_measurement
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
STEPS = 64_000
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
    """500 windows: within 4 standard errors by 20 batches, four numbers; a right one fails one seed in 1,200."""
    seen, toy = history(gradient), Toy("cos", 1.0)
    parameters = ("mean", "sd")  # sd is 1, so that the derivative in its logarithm is the same
    variance, error = mean_and_error(seen["gradient_variance"][200:])
    assert abs(variance - sum(toy.closed_form_variance(name, p) for p in parameters)) < 4 * error
    assert error < 0.1 * variance
    if name == "reparametrization":  # beside more noise a signal is at times below zero, and shown as zero
        signal, error = mean_and_error(seen["signal_to_noise"][200:] * seen["gradient_variance"][200:])
        assert abs(signal - sum(toy.gradient(p) ** 2 for p in parameters)) < 4 * error


def test_a_window_gives_the_sample_variance_and_the_unbiased_square_of_the_mean():
    """Against numpy, in both dtypes, with a mean that is large beside the spread; the steps between windows count for
    nothing."""
    rng = np.random.default_rng(0)
    for dtype, rtol in (("float64", 1e-10), ("float32", 1e-4)):
        gradients = (100 + rng.normal(size=(EVERY + WINDOW, 3))).astype(dtype)

        def one(noise, seen):
            noise = noise.after(seen[1], seen[0])
            return noise, noise.shown

        start = Noise.start(np.zeros(3, dtype), dtype)
        _, shown = jax.jit(jax.lax.scan, static_argnums=0)(one, start, (np.arange(len(gradients)), gradients))
        windows = gradients.astype(float).reshape(-1, WINDOW, 3)[[0, -1]]
        variance = windows.var(axis=1, ddof=1).sum(axis=1)
        signal = (windows.mean(axis=1) ** 2).sum(axis=1) - variance / WINDOW
        weights = np.array([SLOW, 1]) / (1 + SLOW)
        for place, v, s in ((WINDOW, variance[0], signal[0]), (len(gradients), weights @ variance, weights @ signal)):
            np.testing.assert_allclose(shown["gradient_variance"][place - 1], v, rtol=rtol)
            np.testing.assert_allclose(shown["signal_to_noise"][place - 1], s / v, rtol=rtol)


def test_the_next_measurement_is_the_next_step_of_a_window():
    within = [step for step in range(3 * EVERY) if step % EVERY < WINDOW]
    for made in range(2 * EVERY):
        assert made + int(steps_to_measurement(np.int32(made))) - 1 == min(s for s in within if s >= made)


def test_every_optimizer_has_the_same_figures():
    """Standing still, they see the same gradients."""
    own = history(Reparametrization(1), StochasticGradient(400, None, Recipe(optax.sgd, 0.0), None))
    adam = history(Reparametrization(1), StochasticGradient(400, 1e-13, None, None))
    for name in ("gradient_variance", "signal_to_noise"):
        np.testing.assert_allclose(adam[name], own[name], rtol=1e-8)


@pytest.mark.parametrize("length", [1, 3, WINDOW, EVERY - 1])
def test_the_figures_do_not_depend_on_the_length_of_chunks(length, monkeypatch):
    """Chunks that end within a window, at its ends and between; each compiles the same loop."""
    algorithm = StochasticGradient(EVERY + WINDOW + 2, 0.03)
    whole = history(Reparametrization(1), algorithm)
    monkeypatch.setattr("taut.learning.loop.FIRST_CHUNK", length)
    monkeypatch.setattr("taut.learning.loop.CHUNK_SECONDS", 0.0)  # chunks never grow
    cut = history(Reparametrization(1), algorithm)
    for name in whole:
        np.testing.assert_array_equal(cut[name], whole[name])


def test_nothing_is_known_before_the_first_window_has_closed():
    seen = history(Reparametrization(2), StochasticGradient(EVERY + WINDOW + 1, None, Recipe(optax.sgd, 0.0), None))
    for name in ("gradient_variance", "signal_to_noise"):
        assert np.isnan(seen[name][:WINDOW]).all()
        assert np.isfinite(seen[name][WINDOW:]).all()
        assert len(np.unique(seen[name][WINDOW:])) == 2  # one for each window


def test_an_exact_gradient_has_no_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, 20).astype(float)
    problem = cast(Problem(LogisticRegression(), MeanField.around(np.zeros(2)), Elbo(), Exact()), "float64")
    algorithm = StochasticGradient(20, None, Recipe(optax.sgd, 0.0), None)
    assert learn(problem, algorithm, Source((X, y))).history["gradient_variance"][-1] < 1e-20
