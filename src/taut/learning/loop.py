"""The learning loop: chunks of compiled steps, with Python only between them.

Chunks grow until one takes about half a second, which keeps the bar moving and Ctrl-C quick. Their lengths, and looks,
callbacks and checkpoints between them, change no bit of the result.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taut.algorithms.base import Stepwise
from taut.data.source import Source
from taut.learning.checkpoints import Checkpoint
from taut.learning.chunks import Chunk, Chunks
from taut.learning.ended import Ended
from taut.learning.monitors import Monitor
from taut.learning.saver import Progress, Saver, identity_of, joined
from taut.problem import Problem

CHUNK_SECONDS = 0.5
"""Time that a chunk should take, in seconds."""
FIRST_CHUNK = 32
"""Number of steps of the first chunk."""


class Learned(NamedTuple):
    """The result of the loop.

    Attributes:
        problem: The learned problem.
        history: The info of each step, `[steps, ...]` by name.
        ended: How the run ended.
        reason: A sentence with the particulars, "" where `ended` says it all.
        state: The last state, to go on from.
        steps_per_second: Speed after the first chunk, which also compiles; 0 if there was no other.
    """

    problem: Problem
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    state: Any
    steps_per_second: float = 0.0


class Pace:
    """How fast the steps are, and how many the next chunk should have."""

    def __init__(self):
        self.next = FIRST_CHUNK
        self._steps, self._seconds, self._first = 0, 0.0, True

    def count(self, steps: int, seconds: float) -> None:
        """A chunk was made; the first counts for nothing but the next one's length, because it also compiles."""
        if not self._first:
            self._steps, self._seconds = self._steps + steps, self._seconds + seconds
        self._first = False
        wanted = steps * CHUNK_SECONDS / max(seconds, 1e-6)
        self.next = int(np.clip(wanted, max(self.next // 2, 1), 4 * self.next))

    @property
    def per_second(self) -> float:
        """Steps a second."""
        return self._steps / self._seconds if self._seconds else 0.0


def learn(
    problem: Problem,
    algorithm: Stepwise,
    source: Source,
    *,
    seed: int = 0,
    callback: Callable[[int, dict[str, np.ndarray]], None] | None = None,
    checkpoint: Checkpoint | None = None,
    monitor: Monitor | None = None,
) -> Learned:
    """Run `algorithm` on `problem` until it ends, its budget is spent, a value is not finite, or Ctrl-C.

    Call it within `taut.core.precision.context`, with the problem's arrays and the source in that dtype.

    Args:
        problem: The first four sentences.
        algorithm: The fifth sentence; its `steps` are the budget.
        source: The rows.
        seed: Seed of every random number; equal seeds give equal results, bit for bit.
        callback: Function called between chunks with the steps made and the chunk's history.
        checkpoint: Where and how often the state is saved, and whether the run goes on from it.
        monitor: Evaluates the answer every so many steps, may stop the run, and chooses the problem that is returned.

    Raises:
        PairingError: The parts do not go together.
        SavedFitError: The checkpoint is of another problem, seed or data set.
    """
    algorithm.check(problem)
    saver = Saver(checkpoint, lambda: identity_of(problem, algorithm, source, seed), monitor)
    progress = saver.begin(algorithm.init(problem, source.dtype))
    chunks, pace = Chunks(algorithm, problem, source, seed), Pace()
    stop = monitor.stop() if monitor and monitor.scores else None  # a run that was stopped is not run again
    ended, reason = (Ended.STOPPED, stop) if stop else (Ended.BUDGET_SPENT, "")
    try:
        while ended is Ended.BUDGET_SPENT and progress.made < algorithm.steps:
            chunk = _next(chunks, pace, progress, monitor)
            after = progress.after(chunk)
            # The look belongs to the chunk: an interrupt in it takes both back, and a resumed run does both again.
            ended, reason = _end(chunk) or _look(monitor, algorithm, after) or (ended, reason)
            progress = after
            if callback:
                callback(progress.made, chunk.history)
            saver.save(progress, due=False)
    except KeyboardInterrupt:
        ended, reason = Ended.INTERRUPTED, ""
    saver.save(progress)
    answer = algorithm.output(progress.state)
    chosen = monitor.chosen(answer) if monitor else answer
    return Learned(chosen, joined(list(progress.past)), ended, reason, progress.state, pace.per_second)


def _next(chunks: Chunks, pace: Pace, progress: Progress, monitor: Monitor | None) -> Chunk:
    """The next chunk, which ends no later than the next look."""
    to_look = monitor.every - progress.made % monitor.every if monitor else pace.next
    begun = time.monotonic()
    chunk = chunks.make(progress.state, progress.made, min(pace.next, chunks.left(progress.made), to_look))
    pace.count(len(chunk.history["bound"]), time.monotonic() - begun)
    return chunk


def _end(chunk: Chunk) -> tuple[Ended, str] | None:
    """How the chunk ended the run, if it did."""
    if chunk.failure:
        return Ended.DIVERGED, chunk.failure
    if chunk.finished:
        return (Ended.CONVERGED if chunk.converged else Ended.STALLED), ""
    return None


def _look(monitor: Monitor | None, algorithm: Stepwise, progress: Progress) -> tuple[Ended, str] | None:
    """Whether a look that is due ends the run."""
    if monitor is None or progress.made % monitor.every:
        return None
    stop = monitor.look(progress.made, algorithm.output(progress.state), progress.last(monitor.every))
    return (Ended.STOPPED, stop) if stop else None
