"""The learning loop: chunks of compiled steps, with Python only between them.

A chunk is one compiled loop over at most `algorithm.chunk` steps, kept at module level and keyed on the static half of
the problem and the shapes, so that a second fit of the same kind compiles nothing. How many steps a chunk really makes
is an
argument: chunks grow until one takes about half a second, which keeps the bar moving and Ctrl-C quick, and
    changes
nothing in the result, because a step's key is `fold_in(key, step)` and its rows are a function of (seed, step).
"""

import enum
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.algorithms.base import Algorithm
from taut.batch import Batch
from taut.checkpoints import CHECKPOINT_FILE, Checkpoint, identity_of, joined, restore, save
from taut.compilation import Compiled
from taut.data.source import Source, take
from taut.gradients.problem import Problem, trainable
from taut.monitors import Monitor

CHUNK_SECONDS = 0.5
PLAIN_WORK = 1_000_000
"""Rows times unknowns up to which the loop of a deterministic algorithm is compiled plainly."""
DATA_STREAM = 2**32 - 1
"""Sets the key stream of the data apart from the steps' own."""


class Ended(enum.Enum):
    """How a fit ended; the value is the sentence for people, the lower-case name the word in JSON."""

    CONVERGED = "converged: the algorithm's own certificate says that nothing is left to gain"
    BUDGET_SPENT = "budget spent: all steps were made; whether more would help is not known"
    STOPPED = "stopped early: the monitored quantity has not improved for a while, and the best answer is kept"
    STALLED = "stalled: no step of any length improves the objective, and the certificate is not met"
    DIVERGED = "diverged: the answer is not usable"
    INTERRUPTED = "interrupted: the last good state is kept"

    @property
    def word(self) -> str:
        """The word in JSON, e.g. `budget_spent`."""
        return self.name.lower()


class Outcome(NamedTuple):
    """What the loop hands back.

    Attributes:
        problem: the learned problem.
        history: what was seen at each step, `[steps, ...]` by name.
        ended: how it ended.
        reason: one sentence with the particulars, "" where `ended` says it all.
        state: to go on from.
        steps_per_second: measured after the first chunk, which also compiles; 0 if there was no other.
    """

    problem: Problem
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    state: Any
    steps_per_second: float = 0.0


class Pace:
    """Steps and seconds of all chunks but the first."""

    def __init__(self):
        self.steps, self.seconds, self.first = 0, 0.0, True

    def count(self, steps: int, seconds: float) -> None:
        """One chunk more."""
        if not self.first:
            self.steps, self.seconds = self.steps + steps, self.seconds + seconds
        self.first = False

    @property
    def per_second(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds if self.seconds else 0.0


class Status(NamedTuple):
    """What the loop asks of a chunk: steps made, values finite, parameters finite, ended by itself, certified."""

    done: Any
    healthy: Any
    finite: Any
    finished: Any
    converged: Any


@Compiled
def _run(algorithm: Algorithm, transform, seed, state, parent: Batch, plan, count):
    """At most `count` steps; stops by itself when the algorithm has ended or a value is not finite."""
    moving, fixed = eqx.partition(state, eqx.is_array)

    def one(moving, i):
        state = eqx.combine(moving, fixed)
        of_step, of_data = _keys(seed, state.step)
        state, info = algorithm.step(of_step, state, take(parent, plan[i], transform, of_data))
        return eqx.filter(state, eqx.is_array), info

    shapes = jax.eval_shape(one, moving, 0)[1]
    history = jax.tree.map(lambda s: jnp.zeros((plan.shape[0], *s.shape), s.dtype), shapes)

    def go_on(carry):
        i, moving, _, healthy = carry
        return (i < count) & healthy & jnp.logical_not(algorithm.finished(eqx.combine(moving, fixed)))

    def body(carry):
        i, moving, history, _ = carry
        moving, info = one(moving, i)
        history = jax.tree.map(lambda h, x: jax.lax.dynamic_update_index_in_dim(h, x, i, 0), history, info)
        return i + 1, moving, history, algorithm.healthy(info)

    done, moving, history, healthy = jax.lax.while_loop(go_on, body, (0, moving, history, jnp.array(True)))
    state = eqx.combine(moving, fixed)
    leaves = jax.tree.leaves(eqx.filter(state.problem, trainable(state.problem)))
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    return state, history, Status(done, healthy, finite, algorithm.finished(state), algorithm.converged(state))


@eqx.filter_jit
def _diagnose(algorithm: Algorithm, transform, seed, state, parent: Batch, rows):
    of_step, of_data = _keys(seed, state.step)
    return algorithm.diagnose(of_step, state, take(parent, rows, transform, of_data))


def _keys(seed, step):
    """The keys of a step: of the estimator's noise, and of what is random in the data (a stream of its own)."""
    key = jax.random.key(seed)
    return jax.random.fold_in(key, step), jax.random.fold_in(jax.random.fold_in(key, DATA_STREAM), step)


def learn(
    problem: Problem,
    algorithm: Algorithm,
    source: Source,
    *,
    seed: int = 0,
    callback: Callable[[int, dict[str, np.ndarray]], None] | None = None,
    checkpoint: Checkpoint | None = None,
    monitor: Monitor | None = None,
) -> Outcome:
    """Run `algorithm` on `problem` until it ends, its budget is spent, a value is not finite, or Ctrl-C.

    Call it within `taut.precision.context`, with the problem's arrays and the source in that dtype.

    Args:
        problem: the first four sentences.
        algorithm: the fifth; its `steps` are the budget.
        source: the rows.
        seed: of every random number; equal seeds give equal results, bit for bit.
        callback: called between chunks with the steps made and the chunk's history.
        checkpoint: saves the state by time, and resumes from it.
        monitor: looks at the answer every so many steps, may stop the run and chooses what is handed back.

    Raises:
        PairingError: parts that do not go together.
        SavedFitError: a checkpoint of another problem, seed or data set.
    """
    algorithm.check(problem)
    state = algorithm.init(problem, source.dtype)
    past: list[dict[str, np.ndarray]] = []
    made = 0
    identity = identity_of(problem, algorithm, source, seed) if checkpoint else {}
    if checkpoint and checkpoint.resume and (checkpoint.folder / CHECKPOINT_FILE).exists():
        state, history, made = restore(checkpoint, state, identity, monitor)
        past.append(history)

    # A deterministic algorithm makes few steps: unless they are long, compiling is all of the time.
    plain = (
        algorithm.deterministic and source.size * problem.family.dim <= PLAIN_WORK if not problem.model.local else False
    )
    length = min(algorithm.chunk, algorithm.steps, source.most_steps)
    count, saved, pace = min(32, length), time.monotonic(), Pace()
    ended, reason = Ended.BUDGET_SPENT, ""
    try:
        while made < algorithm.steps:
            begun, before = time.monotonic(), state
            count = min(count, algorithm.steps - made, monitor.every - made % monitor.every if monitor else count)
            parent, plan = source.chunk(made, count, length)

            def run(n, before=before, parent=parent, plan=plan):
                return _run(
                    algorithm, source.transform, np.uint32(seed), before, parent, plan, np.int32(n), plain=plain
                )

            after, chunk, status = jax.block_until_ready(run(count))
            status = Status(*map(np.asarray, status))
            done = int(status.done)
            if not (status.healthy and status.finite):
                good, after = _last_good(run, done - 1, before)
                reason = _name_the_culprit(algorithm, seed, after, parent, source, plan[good], made + good)
                ended, done = Ended.DIVERGED, good
            state, made = after, made + done
            history = {name: np.asarray(x)[:done] for name, x in chunk.items()}
            past.append(history)
            pace.count(done, time.monotonic() - begun)
            if callback:
                callback(made, history)
            if ended is Ended.DIVERGED:
                break
            if status.finished:
                ended = Ended.CONVERGED if status.converged else Ended.STALLED
                break
            if monitor and made % monitor.every == 0:
                stop = monitor.look(made, algorithm.output(state), _last(past, monitor.every))
                if stop:
                    ended, reason = Ended.STOPPED, stop
                    break
            if checkpoint and time.monotonic() - saved > checkpoint.seconds:
                save(checkpoint, state, past, made, identity, monitor)
                saved = time.monotonic()
            taken = max(time.monotonic() - begun, 1e-6)
            count = int(np.clip(count * CHUNK_SECONDS / taken, max(count // 2, 1), min(4 * count, length)))
    except KeyboardInterrupt:
        ended = Ended.INTERRUPTED
    if checkpoint:
        save(checkpoint, state, past, made, identity, monitor)
    answer = algorithm.output(state)
    return Outcome(monitor.chosen(answer) if monitor else answer, joined(past), ended, reason, state, pace.per_second)


def _last_good(run, good: int, before):
    """The state before the step that went wrong; going through the chunk again costs nothing but time."""
    while good > 0:
        state, _, status = run(good)
        if bool(status.finite):
            return good, state
        good -= 1
    return 0, before


def _name_the_culprit(algorithm, seed, state, parent, source, places, step) -> str:
    """Which term or derivative of the next step is not finite, in one sentence."""
    rows = source.plan(step, 1)[0]
    seen = _diagnose(algorithm, source.transform, np.uint32(seed), state, parent, places)
    bad = {name: np.asarray(x) for name, x in seen.items() if not np.all(np.isfinite(x))}
    parts = [f"{name} ({x.ravel()[~np.isfinite(x.ravel())][0]})" for name, x in bad.items()]
    where = "" if rows.size == 0 else f" on the batch of rows {', '.join(map(str, rows[:5]))}, ..."
    what = ", ".join(parts) or "the update of the parameters"
    return (
        f"At step {step + 1}{where} these were not finite: {what}. The state before it is kept. A smaller learning "
        "rate, "
        "a narrower or wider start, or more samples may help; if it is the first step, look at the model's density "
        "there."
    )


def _last(past: list[dict[str, np.ndarray]], steps: int) -> dict[str, np.ndarray]:
    """The history of the last `steps` steps."""
    kept, seen = [], 0
    for chunk in reversed(past):
        kept.insert(0, chunk)
        seen += len(chunk["bound"])
        if seen >= steps:
            break
    return {name: x[-steps:] for name, x in joined(kept).items()}
