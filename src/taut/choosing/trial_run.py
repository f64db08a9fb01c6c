"""The first steps of a run, from which the speed of the whole run is known."""

import time
from typing import Any, NamedTuple

import jax
import numpy as np

from taut.algorithms import StochasticGradient
from taut.data.source import Source
from taut.learning.chunks import Chunks
from taut.problem import Problem


class TrialRun(NamedTuple):
    """A run that was begun to see how fast it is.

    Attributes:
        state: The algorithm's state after the last step.
        made: Number of steps so far.
        seconds: Seconds on the wall for one step, without compilation.
        work: Seconds by `clock` for one step, without compilation.
    """

    state: Any
    made: int
    seconds: float
    work: float


def clock() -> float:
    """Seconds of CPU time, which other programs do not change, where the CPU does the work; elsewhere of wall time."""
    return time.process_time() if jax.default_backend() == "cpu" else time.perf_counter()


def begin(problem: Problem, algorithm: StochasticGradient, source: Source, seed: int, seconds: float = 0.3) -> TrialRun:
    """Make the first steps of a run for about `seconds`; the first step compiles and is not timed."""
    chunks = Chunks(algorithm, problem, source, seed)
    state = chunks.make(algorithm.init(problem, source.dtype), 0, 1).state
    made, count, pace, work = 1, 1, np.inf, np.inf
    end = time.perf_counter() + seconds
    while (count := min(count, chunks.left(made))) > 0 and time.perf_counter() < end:
        begun, at_work = time.perf_counter(), clock()
        chunk = chunks.make(state, made, count)
        pace = min(pace, (time.perf_counter() - begun) / count)
        work = min(work, (clock() - at_work) / count)
        if chunk.failure:
            break
        state, made = chunk.state, made + count
        count = min(4 * count, int(seconds / 3 / pace) + 1)
    return TrialRun(state, made, pace, work) if np.isfinite(pace) else TrialRun(state, made, 0.0, 0.0)
