"""Chunks: many steps in one compiled loop, and the diagnosis of a chunk that failed.

The loop is compiled at module level and keyed on the static half of the problem and the shapes, so that a second fit of
the same kind compiles nothing. The number of steps is an argument. It changes nothing in the result, because a step's
key is `fold_in(key, step)` and its rows are a function of (seed, step).
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.algorithms.base import Stepwise
from taut.core.batch import Batch
from taut.core.compilation import Compiled
from taut.data.source import Source, take
from taut.problem import Problem, trainable

DATA_STREAM = 2**32 - 1
"""Number that sets the random numbers of the data apart from those of the steps."""
PLAIN_WORK = 1_000_000
"""Largest product of rows and unknowns for which the loop of a deterministic algorithm is compiled plainly."""


class Status(NamedTuple):
    """How a chunk went.

    Attributes:
        done: Number of steps made.
        healthy: Whether the values of the last step are finite.
        finite: Whether the learned parameters are finite.
        finished: Whether the algorithm has ended by itself.
        converged: Whether it ended because its certificate was met.
    """

    done: Any
    healthy: Any
    finite: Any
    finished: Any
    converged: Any


@Compiled
def _run(algorithm: Stepwise, transform, seed, state, parent: Batch, plan, first, count):
    """At most `count` steps, on `plan` from `first` on; ends when the algorithm has or a value is not finite."""
    moving, fixed = eqx.partition(state, eqx.is_array)

    @functools.partial(jax.jit, inline=True)  # so that it is traced once, for its shapes and for the loop
    def one(moving, i):
        state = eqx.combine(moving, fixed)
        of_step, of_data = _keys(seed, state.step)
        state, info, seen = algorithm.seen_step(of_step, state, take(parent, plan[first + i], transform, of_data))
        return eqx.filter(state, eqx.is_array), info, seen

    _, info, seen = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(one, moving, 0))
    history = jax.tree.map(lambda x: jnp.zeros((plan.shape[0], *x.shape), x.dtype), info)

    def go_on(carry, end=count):
        i, moving, _, _, healthy = carry
        return (i < end) & healthy & jnp.logical_not(algorithm.finished(eqx.combine(moving, fixed)))

    def body(carry):
        i, moving, _, history, _ = carry
        moving, info, seen = one(moving, i)
        history = jax.tree.map(lambda h, x: jax.lax.dynamic_update_index_in_dim(h, x, i, 0), history, info)
        return i + 1, moving, seen, history, algorithm.healthy(info)

    def stretch(carry):
        """The steps up to the next measurement, which is no part of them: a branch in each would cost its operands."""
        end = jnp.minimum(count, carry[0] + algorithm.to_measurement(eqx.combine(carry[1], fixed)))
        i, moving, seen, history, healthy = jax.lax.while_loop(lambda c: go_on(c, end), body, carry)
        measured = algorithm.measure(eqx.combine(moving, fixed), seen)
        return i, eqx.filter(measured, eqx.is_array), seen, history, healthy

    begin = (0, moving, seen, history, jnp.array(True))
    done, moving, _, history, healthy = jax.lax.while_loop(go_on, stretch, begin)
    state = eqx.combine(moving, fixed)
    leaves = jax.tree.leaves(eqx.filter(state.problem, trainable(state.problem)))
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    return state, history, Status(done, healthy, finite, algorithm.finished(state), algorithm.converged(state))


@eqx.filter_jit
def _diagnose(algorithm: Stepwise, transform, seed, state, parent: Batch, rows):
    of_step, of_data = _keys(seed, state.step)
    return algorithm.diagnose(of_step, state, take(parent, rows, transform, of_data))


def _keys(seed, step):
    """The keys of a step: of the estimator's noise, and of what is random in the data (a stream of its own)."""
    key = jax.random.key(seed)
    return jax.random.fold_in(key, step), jax.random.fold_in(jax.random.fold_in(key, DATA_STREAM), step)


class Chunk(NamedTuple):
    """The result of a chunk.

    Attributes:
        state: The state after its last good step.
        history: The info of its good steps, `[steps, ...]` by name.
        finished: Whether the algorithm has ended by itself.
        converged: Whether it ended because its certificate was met.
        failure: Which value of the next step is not finite, in one sentence; "" if all is well.
    """

    state: Any
    history: dict[str, np.ndarray]
    finished: bool
    converged: bool
    failure: str = ""


class Chunks:
    """Makes the steps of one algorithm on one source.

    Args:
        algorithm: The algorithm.
        problem: The problem at the start.
        source: The source of the rows.
        seed: Seed of every random number but the rows' order.
    """

    def __init__(self, algorithm: Stepwise, problem: Problem, source: Source, seed: int):
        self.algorithm, self.source, self.seed = algorithm, source, np.uint32(seed)
        self.most = min(algorithm.chunk, algorithm.steps, source.most_steps)
        # A deterministic algorithm makes few steps: unless they are long, compiling is all of the time.
        self._plain = algorithm.deterministic and source.size * problem.family.dim <= PLAIN_WORK

    def left(self, made: int) -> int:
        """Largest number of steps of the next chunk: to the end of the rows on the device, and of the budget."""
        return min(self.most - made % self.most, self.algorithm.steps - made)

    def make(self, state: Any, made: int, count: int) -> Chunk:
        """`count` steps on from `state`, which is after `made`; fewer where one ends it."""
        number, first = divmod(made, self.most)
        parent, plan = self.source.block(number, self.most)
        run = functools.partial(
            _run,
            self.algorithm,
            self.source.transform,
            self.seed,
            state,
            parent,
            plan,
            np.int32(first),
            plain=self._plain,
        )
        after, history, status = jax.block_until_ready(run(np.int32(count)))
        status = Status(*map(np.asarray, status))
        done, failure = int(status.done), ""
        if not (status.healthy and status.finite):
            done, after = _last_good(run, done - 1, state)
            failure = self._culprit(after, parent, np.asarray(plan)[first + done], made + done)
        seen = {name: np.asarray(x)[:done] for name, x in history.items()}
        return Chunk(after, seen, bool(status.finished), bool(status.converged), failure)

    def objective_at(self, state: Any, problem: Problem, estimates: int) -> np.ndarray:
        """What is maximised, estimated at `problem` with the memory of `state`: `[estimates]`, equal keys and rows."""
        parent, plan = self.source.block(0, self.most)
        plan, state = np.asarray(plan), eqx.tree_at(lambda s: s.problem, state, problem)
        found = []
        for i in range(estimates):
            seed, rows = np.uint32((int(self.seed) + 1 + i) % 2**32), plan[i % len(plan)]
            seen = _diagnose(self.algorithm, self.source.transform, seed, state, parent, rows)
            found.append(float(seen["bound"]))
        return np.array(found)

    def _culprit(self, state: Any, parent: Batch, places: np.ndarray, step: int) -> str:
        """Which term or derivative of the next step is not finite, in one sentence."""
        seen = _diagnose(self.algorithm, self.source.transform, self.seed, state, parent, places)
        bad = {name: np.asarray(x) for name, x in seen.items() if not np.all(np.isfinite(x))}
        parts = [f"{name} ({x.ravel()[~np.isfinite(x.ravel())][0]})" for name, x in bad.items()]
        rows = self.source.plan(step, 1)[0]
        where = "" if rows.size == 0 else f" on the batch of rows {', '.join(map(str, rows[:5]))}, ..."
        what = ", ".join(parts) or "the update of the parameters"
        return (
            f"At step {step + 1}{where} these were not finite: {what}. The state before it is kept. A smaller learning "
            "rate, a narrower or wider start, or more samples may help; if it is the first step, look at the model's "
            "density there."
        )


def _last_good(run, good: int, before):
    """The state before the step that went wrong; going through the chunk again costs nothing but time."""
    while good > 0:
        state, _, status = run(np.int32(good))
        if bool(status.finite):
            return good, state
        good -= 1
    return 0, before
