"""Mean, variance and time of an estimated gradient where the family stands, in as many goes as are wanted."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from taut.core import precision
from taut.core.trees import cast
from taut.data.source import Source, take
from taut.problem import Problem, estimate, statistics_like, trainable

WARM_UP = 100
"""Gradients that an estimator's memory sees before it is measured."""
PLANNED = 1000
"""Batches of a meter, unless its user asks for others."""


class Measured(NamedTuple):
    """One estimator at one place.

    Attributes:
        mean: of the gradient of the objective over the repeats, a pytree like the learned leaves.
        variance: of one gradient, likewise.
        seconds: for one gradient, compiled.
    """

    mean: Any
    variance: Any
    seconds: float


class Meter:
    """Measures one estimator at one place.

    Call it within `taut.core.precision.context`, with the problem's arrays in the source's dtype.

    Args:
        problem: the four choices.
        source: the rows; where it has a batch size, each gradient sees a batch as training would.
        seed: of all draws.
        objective: the objective's memory there; None for that at the start.
        step: that the objective's schedule is at.
        clock: that `times` are read from.
        planned: batches that are laid out beforehand; more gradients begin again with the first.
    """

    def __init__(
        self,
        problem: Problem,
        source: Source,
        seed: int,
        objective: Any = None,
        step: Any = 0,
        clock: Callable[[], float] = time.perf_counter,
        planned: int = PLANNED,
    ):
        self.problem, self._transform, self._clock = problem, source.transform, clock
        self._parent, self._plan = source.block(0, min(planned, source.most_steps))
        self._key = jax.random.key(seed)
        self._objective = (problem.objective.init() if objective is None else objective, np.int32(step))
        self._memory = problem.gradient.init(statistics_like(problem, source.dtype))
        moving = eqx.filter(problem, trainable(problem))
        self._nothing = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), (moving, moving))
        self._moments, self.repeats = self._nothing, 0
        self.times: list[float] = []

    def warm_up(self, most: int = WARM_UP, compiled: bool = False) -> None:
        """Let the estimator's memory see some gradients, and compile unless that is done; nothing of it counts."""
        if compiled and not jax.tree.leaves(self._memory):
            return
        self.measure(most if jax.tree.leaves(self._memory) else 1)
        self._moments, self.repeats, self.times = self._nothing, 0, []

    def measure(self, repeats: int) -> float:
        """Take `repeats` gradients more, and the seconds that they took."""
        begun = self._clock()
        *self._moments, self._memory = jax.block_until_ready(
            _moments(
                self.problem,
                self._parent,
                self._plan,
                self._transform,
                self._key,
                self._objective,
                (*self._moments, self._memory),
                np.int32(self.repeats),
                np.int32(repeats),
            )
        )
        seconds = self._clock() - begun
        self.repeats += repeats
        self.times.append(seconds / repeats)
        self._key = jax.random.fold_in(self._key, 1)
        return seconds

    @property
    def measured(self) -> Measured:
        """What was seen since the warm-up: at least two gradients."""
        mean, squares = self._moments
        variance = jax.tree.map(lambda s: np.asarray(s) / (self.repeats - 1), squares)
        return Measured(jax.tree.map(np.asarray, mean), variance, min(self.times))


def measure(problem: Problem, source: Source, repeats: int, seed: int = 0) -> Measured:
    """Mean and variance of the problem's estimated gradient where its family stands.

    Args:
        problem: the four choices.
        source: the rows; where it has a batch size, each gradient sees so many of them.
        repeats: gradients, at least 2.
        seed: of all draws.
    """
    with precision.context(source.dtype):
        meter = Meter(cast(problem, source.dtype), source, seed, planned=repeats + 1)  # one goes to the warm-up
        meter.warm_up()
        meter.measure(repeats)
        return meter.measured


@eqx.filter_jit
def _moments(problem, parent, plan, transform, key, objective, before, first, count):
    """Mean and summed squared deviations (Welford's recursion) after `count` gradients more, and the memory then."""
    moving, fixed = eqx.partition(problem, trainable(problem))

    def gradient(key, memory, i):
        of_data, of_noise = jax.random.split(key)

        def value(moving):
            now = eqx.combine(moving, fixed)
            batch = take(parent, plan[i % plan.shape[0]], transform, of_data)
            statistics, info = estimate(now, of_noise, batch, memory)
            return now.objective.value(statistics, *objective), info

        slope, info = jax.grad(value, has_aux=True)(moving)
        return slope, problem.gradient.update(memory, info.observed)

    def body(i, carry):
        mean, squares, memory = carry
        slope, memory = gradient(jax.random.fold_in(key, i), memory, i)
        step = jax.tree.map(lambda s, m: s - m, slope, mean)
        mean = jax.tree.map(lambda m, d: m + d / (i + 1), mean, step)
        squares = jax.tree.map(lambda q, d, s, m: q + d * (s - m), squares, step, slope, mean)
        return mean, squares, memory

    return jax.lax.fori_loop(first, first + count, body, before)
