"""The meter of a gradient estimator: mean, variance and time of one gradient where the family stands."""

import abc
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Int, PRNGKeyArray

from taut.core import precision
from taut.core.batch import Batch
from taut.core.trees import cast
from taut.data.source import Source, take
from taut.problem import Problem, estimate, statistics_like, trainable

WARM_UP = 100
"""Number of gradients that an estimator's memory sees before the estimator is measured."""
PLANNED = 1000
"""Number of batches that a meter lays out beforehand unless its caller asks for another number."""


class MeterReading(NamedTuple):
    """What a meter says of one estimator at one place.

    Attributes:
        mean: Mean gradient of the objective, a pytree like the learned leaves.
        variance: Variance of one gradient, entry by entry; a pytree of the same form.
        seconds: Time of one gradient in seconds, without compilation.
    """

    mean: Any
    variance: Any
    seconds: float


class Batches(eqx.Module):
    """The batch that each gradient sees."""

    @abc.abstractmethod
    def at(self, key: PRNGKeyArray, i: Int[Array, ""]) -> Batch:
        """The batch of the i-th gradient; `key` is the key of all chance in its rows."""


class PlannedBatches(Batches):
    """Batches in the order in which training takes them.

    Attributes:
        parent: The rows.
        plan: Places of each batch's rows, `[batches, B]`; after the last batch the first one follows.
        transform: The source's transform of a batch, None for none.
    """

    parent: Batch
    plan: Int[Array, "batches B"]
    transform: Callable | None

    def at(self, key: PRNGKeyArray, i: Int[Array, ""]) -> Batch:
        """The batch of the i-th gradient."""
        return take(self.parent, self.plan[i % self.plan.shape[0]], self.transform, key)


class Accumulator(eqx.Module):
    """A statistic of many gradients that is kept up to date one gradient at a time."""

    @abc.abstractmethod
    def add(self, i: Int[Array, ""], gradient: Any) -> "Accumulator":
        """The statistic after `gradient`, which has `i` gradients before it."""


class GradientMoments(Accumulator):
    """Mean and sum of squared deviations of the gradients so far, by Welford's recursion.

    Attributes:
        mean: Mean of the gradients, a pytree like one gradient.
        squares: Sum of squared deviations from the mean, a pytree of the same form.
    """

    mean: Any
    squares: Any

    @classmethod
    def start(cls, like: Any) -> "GradientMoments":
        """The moments of no gradient; `like` has the form of one."""
        return cls(*(jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), like) for _ in range(2)))

    def add(self, i: Int[Array, ""], gradient: Any) -> "GradientMoments":
        """The moments after one gradient more."""
        step = jax.tree.map(lambda g, m: g - m, gradient, self.mean)
        mean = jax.tree.map(lambda m, d: m + d / (i + 1), self.mean, step)
        squares = jax.tree.map(lambda q, d, g, m: q + d * (g - m), self.squares, step, gradient, mean)
        return GradientMoments(mean, squares)

    def variance(self, count: int) -> Any:
        """The variance of one gradient, from `count` of them; NumPy arrays."""
        return jax.tree.map(lambda s: np.asarray(s) / (count - 1), self.squares)


class Meter:
    """Measures one estimator at one place, in as many goes as its caller wants.

    Call it within `taut.core.precision.context`, with the problem's arrays in the source's dtype.

    Args:
        problem: The four choices.
        source: The rows. Where it has a batch size, each gradient sees a batch as training would.
        seed: Seed of all draws.
        objective: The objective's memory at this place; None for the memory before the first step.
        step: The step at which the objective's schedule stands.
        clock: The clock, in seconds, that `times` are read from.
        planned: Number of batches that are laid out beforehand; more gradients begin again with the first batch.

    Attributes:
        repeats: Number of gradients since the warm-up.
        taken: Number of gradients in all.
        times: Seconds for one gradient in each go since the warm-up.
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
        self.problem, self._clock = problem, clock
        parent, plan = source.block(0, min(planned, source.most_steps))
        self._batches = PlannedBatches(parent, plan, source.transform)
        self._key = jax.random.key(seed)
        self._objective = (problem.objective.init() if objective is None else objective, np.int32(step))
        self._memory = problem.gradient.init(statistics_like(problem, source.dtype))
        self._nothing = GradientMoments.start(eqx.filter(problem, trainable(problem)))
        self._moments, self.repeats, self.taken = self._nothing, 0, 0
        self.times: list[float] = []

    def warm_up(self, most: int = WARM_UP, compiled: bool = False) -> None:
        """Show the estimator's memory some gradients, and compile; nothing of it counts.

        Args:
            most: Number of gradients for an estimator with a memory; one without sees a single gradient.
            compiled: Whether the measurement was compiled before. Then there is nothing to do without a memory.
        """
        if compiled and not jax.tree.leaves(self._memory):
            return
        self.measure(most if jax.tree.leaves(self._memory) else 1)
        self._moments, self.repeats, self.times = self._nothing, 0, []

    def measure(self, repeats: int) -> float:
        """Take `repeats` gradients more; the seconds that they took."""
        begun = self._clock()
        self._moments, self._memory = jax.block_until_ready(
            accumulate(
                self.problem,
                self._batches,
                self._key,
                self._objective,
                (self._moments, self._memory),
                np.int32(self.repeats),
                np.int32(repeats),
            )
        )
        seconds = self._clock() - begun
        self.repeats += repeats
        self.taken += repeats
        self.times.append(seconds / repeats)
        self._key = jax.random.fold_in(self._key, 1)
        return seconds

    @property
    def measured(self) -> MeterReading:
        """The reading since the warm-up, which needs at least two gradients."""
        mean = jax.tree.map(np.asarray, self._moments.mean)
        return MeterReading(mean, self._moments.variance(self.repeats), min(self.times))


def measure_gradient(problem: Problem, source: Source, repeats: int, seed: int = 0) -> MeterReading:
    """Mean and variance of the problem's estimated gradient where its family stands.

    Args:
        problem: The four choices.
        source: The rows. Where it has a batch size, each gradient sees so many of them.
        repeats: Number of gradients, at least 2.
        seed: Seed of all draws.
    """
    with precision.context(source.dtype):
        meter = Meter(cast(problem, source.dtype), source, seed, planned=repeats + 1)  # one goes to the warm-up
        meter.warm_up()
        meter.measure(repeats)
        return meter.measured


@eqx.filter_jit
def accumulate(
    problem: Problem,
    batches: Batches,
    key: PRNGKeyArray,
    objective: tuple[Any, Any],
    before: tuple[Accumulator, Any],
    first: Any,
    count: Any,
) -> tuple[Any, Any]:
    """The accumulator and the gradient's memory after `count` gradients more.

    Args:
        problem: The four choices.
        batches: The rows that each gradient sees.
        key: Key of all draws; gradient i has the key `fold_in(key, i)`.
        objective: The objective's memory, and the step at which its schedule stands.
        before: The accumulator and the gradient's memory before.
        first: Number of the first gradient.
        count: Number of gradients.
    """
    moving, fixed = eqx.partition(problem, trainable(problem))

    def body(i, carry):
        seen, memory = carry
        of_data, of_noise = jax.random.split(jax.random.fold_in(key, i))

        def value(moving):
            now = eqx.combine(moving, fixed)
            statistics, info = estimate(now, of_noise, batches.at(of_data, i), memory)
            return now.objective.value(statistics, *objective), info

        gradient, info = jax.grad(value, has_aux=True)(moving)
        return seen.add(i, gradient), problem.gradient.update(memory, info.observed)

    return jax.lax.fori_loop(first, first + count, body, before)
