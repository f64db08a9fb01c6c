"""The two ways of learning: by batches of scores on the host, or by the loop of compiled steps."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from taut.choosing.choose import Choice
from taut.core import precision
from taut.core.trees import cast
from taut.data.source import Source
from taut.diagnostics.elbo import Bound, elbo, elbo_per_example
from taut.errors import ArgumentError
from taut.fitting.bounds import EVALUATED
from taut.learning.loop import Checkpoint, Ended, Outcome, learn
from taut.learning.monitors import BestFeasible, EarlyStopping, Monitor
from taut.learning.progress import ProgressBar
from taut.models.density import Density
from taut.objectives import Constrained, Elbo
from taut.problem import Problem, trainable
from taut.verdict.convergence import Convergence, certified
from taut.verdict.judge import Judged, checked, gaussian_of, judge, share_of_rivals
from taut.verdict.ladder import Standing, climb

LOOK_STEPS = 200
"""Fewest steps between two looks of a monitor: a look interrupts the compiled loop."""


class Run(NamedTuple):
    """What learning gave, by either way."""

    problem: Problem
    bound: Bound
    history: dict[str, np.ndarray]
    ended: Ended
    reason: str
    iterations: int
    gradient_evaluations: float
    learned: float
    steps_per_second: float = 0.0
    evidence: dict[str, np.ndarray] = {}
    judged: Judged | None = None
    convergence: Convergence | None = None


def on_density(choice: Choice, source: Source, seed: int, callback: Callable | None) -> Run:
    """By batches of scores, with the verdict at once: the model is compiled already."""
    algorithm: Any = choice.algorithm
    density = Density(choice.problem.model, source.parent, source.dtype)
    settled = algorithm.run(density, choice.problem, seed)
    learned = time.perf_counter()
    if settled.family is None:
        reason = (
            "No start of sixteen has a finite log density around it. Look at model.check(), and at the density near "
            "the start of its unknowns."
        )
        nowhere = Bound(-np.inf, -np.inf, np.inf, 0.0)
        convergence = Convergence("no", "no start has a finite log density around it", None)
        return Run(
            choice.problem,
            nowhere,
            {},
            Ended.DIVERGED,
            reason,
            0,
            settled.evaluations,
            learned,
            convergence=convergence,
        )
    model = choice.problem.model
    convergence = certified(settled.settled, settled.left, settled.figures)
    if np.isnan(settled.left):
        convergence = checked(settled.family, density, seed)
    judged = judge(
        model,
        settled.family,
        density,
        convergence,
        seed=seed,
        rows=source.size,
        recurred=settled.recurred,
        rivals=share_of_rivals(settled.rivals),
    )
    standing, climbed = Standing(settled.family, judged, ()), settled.evaluations
    if choice.open:
        before = density.evaluations
        best: Any = gaussian_of(settled.family)
        standing = climb(model, source.parent, density, settled, best, standing, seed)
        climbed += density.evaluations - before
        verdict = dataclasses.replace(standing.judged.verdict, rungs=standing.rungs)
        judged = standing.judged._replace(verdict=verdict)
    problem = eqx.tree_at(lambda p: p.family, choice.problem, cast(standing.family, source.dtype))
    if callback is not None:
        callback(algorithm.iterations(settled), settled.history)
    ended = Ended.CONVERGED if convergence.answer == "yes" else Ended.STALLED
    return Run(
        problem,
        judged.bound,
        settled.history,
        ended,
        "",
        len(settled.history["bound"]),
        float(climbed),
        learned,
        judged=judged,
        convergence=convergence,
    )


def by_steps(
    choice: Choice,
    source: Source,
    seed: int,
    progress: bool | None,
    callback: Callable | None,
    checkpoint: Checkpoint | None,
    monitor: Monitor | None,
    held_out: tuple[Any, Any],
) -> Run:
    """By the learning loop.

    Args:
        choice: the five sentences.
        source: the rows.
        seed: of every random number.
        progress: show a bar; None shows it on a terminal.
        callback: called between chunks.
        checkpoint: where to save the state.
        monitor: looks at the answer on the way.
        held_out: examples on whose ELBO a latent-variable model is reported, and their transform.
    """
    model, algorithm = choice.problem.model, choice.algorithm
    with precision.context(source.dtype):
        problem = cast(choice.problem, source.dtype)
        with ProgressBar(algorithm.steps, progress, source.batch_size if model.local else None) as bar:
            outcome = learn(
                problem,
                algorithm,
                source,
                seed=seed,
                callback=_both(bar, callback),
                checkpoint=checkpoint,
                monitor=monitor,
            )
        learned = time.perf_counter()
        bound = _bound(algorithm, outcome, source, seed, held_out)
    ended, reason = _judged(outcome, bound)
    evaluations = algorithm.gradient_evaluations(choice.problem, outcome.state, source.size, source.batch_size)
    looks = {} if monitor is None else monitor.arrays()
    evidence = {f"validation.{k}": v for k, v in looks.items() if not k.startswith("best")}
    return Run(
        _learned(outcome.problem, choice.problem),
        bound,
        outcome.history,
        ended,
        reason,
        algorithm.iterations(outcome.state),
        evaluations,
        learned,
        outcome.steps_per_second,
        evidence,
        convergence=_certified(algorithm, outcome),
    )


def _learned(outcome: Problem, given: Problem) -> Problem:
    """The given problem with its learned leaves as they came out, in host memory, and all others untouched."""
    moved = jax.tree.map(np.asarray, eqx.filter(outcome, trainable(outcome)))
    return eqx.combine(moved, given)


def _both(bar: ProgressBar, callback: Callable | None) -> Callable:
    def call(made: int, history: dict[str, np.ndarray]) -> None:
        bar(made, history)
        if callback is not None:
            callback(made, history)

    return call


def monitor_for(problem: Any, source: Source, validation: Any, patience: int | None, seed: int) -> Monitor | None:
    """Early stopping where it was asked for, the best feasible iterate where there are constraints."""
    every = -(-LOOK_STEPS // source.steps_per_epoch) * source.steps_per_epoch  # whole epochs
    if patience is not None:
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(f"patience={patience!r}: a positive whole number of looks is needed.")
        if validation is None:
            raise ArgumentError("patience needs validation=, held-out examples on which the true ELBO is looked at.")
        key = jax.random.key(seed)
        held_out = np.asarray(validation)
        return EarlyStopping(lambda p: elbo_per_example(p, held_out, key)[0], every, patience)
    if isinstance(problem.objective, Constrained):
        return BestFeasible(every, problem.objective)
    return None


def _certified(algorithm: Any, outcome: Outcome) -> Convergence | None:
    """What the algorithm's own certificate says; None where it has none."""
    if outcome.ended is Ended.DIVERGED:
        return Convergence("no", "the objective is not finite", None)
    left = algorithm.certificate(outcome.state)
    return None if left is None else certified(outcome.ended is Ended.CONVERGED, left, {})


def _bound(algorithm: Any, outcome: Outcome, source: Source, seed: int, held_out: tuple[Any, Any]) -> Bound:
    """The final ELBO: the algorithm's own where it is exact (nothing to compile), else evaluated on all rows."""
    if outcome.history:
        own = algorithm.terms(outcome.state)
        if own is not None:
            return Bound(float(own[0]), float(own[1]), float(own[2]), 0.0)
    key = jax.random.fold_in(jax.random.key(seed), 2**31 - 1)  # apart from every step's key
    if not outcome.problem.model.local:
        return elbo(outcome.problem, key, jax.device_put(source.parent))
    examples, transform = held_out
    return elbo_per_example(outcome.problem, examples[:EVALUATED], key, transform=transform)[0]


def _judged(outcome: Outcome, bound: Bound) -> tuple[Ended, str]:
    """How it ended; a stochastic run that finished below its start has diverged, finite or not."""
    if outcome.ended is not Ended.BUDGET_SPENT or not isinstance(outcome.problem.objective, Elbo):
        return outcome.ended, outcome.reason
    first = outcome.history["elbo"][:10]
    if not np.isfinite(bound.elbo) or bound.elbo < first.mean() - 3 * first.std() - 1e-6 * abs(first.mean()):
        return Ended.DIVERGED, (
            f"The ELBO ended at {bound.elbo:.6g} nats, below where it began ({first.mean():.6g}). The learning rate "
            "is too large for this "
            "gradient's noise: lower it, raise samples, or use the reparametrization gradient."
        )
    return outcome.ended, outcome.reason
