"""Learning by the loop of compiled steps."""

import contextlib

import equinox as eqx
import jax
import numpy as np

from taut.algorithms.base import Stepwise
from taut.choosing.choose import Choice
from taut.core import precision
from taut.core.arguments import plain
from taut.core.cost import LEARNING, VERDICT
from taut.core.locks import writing
from taut.core.trees import cast
from taut.diagnostics.elbo import Bound, elbo_per_example
from taut.errors import ArgumentError
from taut.fitting.ending import ending_of_steps
from taut.fitting.outcome import Callback, Outcome, Request
from taut.learning.chunks import Chunks
from taut.learning.ended import Ended
from taut.learning.loop import Learned, learn
from taut.learning.monitors import BestFeasible, EarlyStopping, Monitor
from taut.learning.progress import ProgressBar
from taut.problem import Problem, evaluations, trainable
from taut.verdict.convergence import Convergence, certified

LOOK_STEPS = 200
"""Smallest number of steps between two looks of a monitor: a look interrupts the compiled loop."""
LOOK_DRAWS = 2000
"""Number of draws of z behind a look: few held-out examples get several each, else their noise hides a rise."""
ESTIMATES = 16
"""Number of estimates by which the start and the answer of a run in doubt are compared."""


def by_steps(algorithm: Stepwise, choice: Choice, request: Request) -> Outcome:
    """Run the learning loop.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.
    """
    source, kind, ledger = request.source, request.kind, request.ledger
    monitor = monitor_for(choice.problem, request)
    with precision.context(source.dtype):
        problem = cast(choice.problem, source.dtype)
        counted = source.batch_size if kind.counts_examples else None
        alone = writing(request.checkpoint.folder) if request.checkpoint else contextlib.nullcontext()
        with ledger.stage(LEARNING), alone, ProgressBar(algorithm.steps, request.progress, counted) as bar:
            learned = learn(
                problem,
                algorithm,
                source,
                seed=request.seed,
                callback=_both(bar, request.callback),
                checkpoint=request.checkpoint,
                monitor=monitor,
            )
            ledger.add(
                gradients=algorithm.gradient_evaluations(choice.problem, learned.state, source.size, source.batch_size)
            )

        def both():
            """What was maximised at the start and at the answer."""
            chunks = Chunks(algorithm, problem, source, request.seed)
            ledger.add(log_densities=2 * ESTIMATES * evaluations(choice.problem, source.size, source.batch_size))
            return tuple(chunks.objective_at(learned.state, at, ESTIMATES) for at in (problem, learned.problem))

        with ledger.stage(VERDICT):
            bound = _bound(algorithm, learned, request)
            ended, reason = ending_of_steps(learned, bound, lambda start: kind.room(start, problem.family), both)
    return Outcome(
        problem=_moved(learned.problem, choice.problem),
        bound=bound,
        history=learned.history,
        ended=ended,
        reason=reason,
        iterations=algorithm.iterations(learned.state),
        steps_per_second=learned.steps_per_second,
        evidence=_evidence(monitor, choice.problem, request, bound),
        convergence=_certified(algorithm, learned, ended),
    )


def _evidence(monitor: Monitor | None, problem: Problem, request: Request, bound: Bound) -> dict[str, np.ndarray]:
    """What the monitor saw, and the terms by which constraints are judged on held-out examples."""
    looks = {} if monitor is None else monitor.arrays()
    seen = {f"validation.{name}": x for name, x in looks.items() if not name.startswith("best")}
    if problem.objective.constraints and request.rows.validation is not None:
        seen["terms.validation"] = np.array([bound.expected_log_likelihood, bound.kl])
    return seen


def _moved(learned: Problem, given: Problem) -> Problem:
    """The given problem with its learned leaves as they came out, in host memory, and all others untouched."""
    leaves = jax.tree.map(np.asarray, eqx.filter(learned, trainable(learned)))
    return eqx.combine(leaves, given)


def _both(bar: ProgressBar, callback: Callback | None) -> Callback:
    def call(made: int, history: dict[str, np.ndarray]) -> None:
        bar(made, history)
        if callback is not None:
            callback(made, history)

    return call


def monitor_for(problem: Problem, request: Request) -> Monitor | None:
    """Early stopping where it was asked for, the best feasible iterate where there are constraints.

    Raises:
        ArgumentError: Patience that is no positive whole number, or without validation examples.
    """
    steps, patience = request.source.steps_per_epoch, request.patience
    every = -(-LOOK_STEPS // steps) * steps  # whole epochs
    if patience is not None:
        patience = plain(patience)
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(f"patience={patience!r}: a positive whole number of looks is needed.")
        if request.rows.validation is None:
            raise ArgumentError("patience needs validation=, held-out examples on which the true ELBO is looked at.")
        key = jax.random.key(request.seed)
        held_out = np.asarray(request.rows.validation)
        draws = -(-LOOK_DRAWS // len(held_out))

        def look(learned: Problem) -> Bound:
            request.ledger.add(log_densities=draws * len(held_out) / request.source.size)
            return elbo_per_example(learned, held_out, key, draws=draws)[0]

        return EarlyStopping(look, every, patience)
    if problem.objective.constraints:
        return BestFeasible(every, problem.objective)
    return None


def _certified(algorithm: Stepwise, learned: Learned, ended: Ended) -> Convergence | None:
    """What the algorithm's own certificate says; None where it has none."""
    left = algorithm.certificate(learned.state)
    return None if left is None else certified(ended is Ended.CONVERGED, left, {})


def _bound(algorithm: Stepwise, learned: Learned, request: Request) -> Bound:
    """The final ELBO: the algorithm's own where it is exact (nothing to compile), else evaluated on the data."""
    own = algorithm.terms(learned.state) if learned.history else None
    if own is not None:
        return Bound(float(own[0]), float(own[1]), float(own[2]), 0.0)
    key = jax.random.fold_in(jax.random.key(request.seed), 2**31 - 1)  # apart from every step's key
    bound, log_densities = request.kind.final_bound(learned.problem, key, request.rows, request.source)
    request.ledger.add(log_densities=log_densities)
    return bound
