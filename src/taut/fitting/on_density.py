"""Learning by batches of scores on the host, with the verdict at once: the model is compiled already."""

import dataclasses
import time

import equinox as eqx
import numpy as np

from taut.algorithms.on_density.base import OnDensity, Settled
from taut.choosing.choose import Choice
from taut.core.trees import cast
from taut.diagnostics.elbo import Bound
from taut.errors import ArgumentError
from taut.fitting.outcome import Outcome, Request
from taut.learning.ended import Ended
from taut.models.density import Density
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence, certified
from taut.verdict.draws import gaussian_of
from taut.verdict.judge import convergence_by_full_step, judge_draws, share_of_rivals
from taut.verdict.ladder import Standing, climb


def on_density(algorithm: OnDensity, choice: Choice, request: Request) -> Outcome:
    """Run an algorithm on the log density of all rows, and judge its answer.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.

    Raises:
        ArgumentError: A checkpoint, patience or validation examples: it ends within seconds and looks at nothing.
    """
    _refuse_watching(algorithm, request)
    source, model = request.source, choice.problem.model
    density = Density(model, source.parent, source.dtype)
    settled = algorithm.run(density, choice.problem, request.seed)
    learned_at = time.perf_counter()
    if settled.family is None:
        return _nowhere(choice, settled, learned_at)
    convergence = certified(settled.settled, settled.left, settled.figures)
    if np.isnan(settled.left):
        convergence = convergence_by_full_step(settled.family, density, request.seed)
    judged = judge_draws(
        model,
        settled.family,
        density,
        convergence,
        seed=request.seed,
        rows=source.size,
        recurred=settled.recurred,
        rivals=share_of_rivals(settled.rivals),
    )
    standing, evaluations = Standing(settled.family, judged, ()), settled.evaluations
    if choice.open:
        before = density.evaluations
        best = gaussian_of(settled.family)
        standing = climb(model, source.parent, density, settled, best, standing, request.seed)
        evaluations += density.evaluations - before
        verdict = dataclasses.replace(standing.judged.verdict, rungs=standing.rungs)
        judged = standing.judged._replace(verdict=verdict)
    if request.callback is not None:
        request.callback(settled.iterations, settled.history)
    return Outcome(
        problem=eqx.tree_at(lambda p: p.family, choice.problem, cast(standing.family, source.dtype)),
        bound=judged.bound,
        history=settled.history,
        ended=Ended.CONVERGED if convergence.answer == Converged.YES else Ended.STALLED,
        reason="",
        iterations=settled.iterations,
        gradient_evaluations=float(evaluations),
        learned_at=learned_at,
        own={"judged": judged},
        convergence=convergence,
    )


def _refuse_watching(algorithm: OnDensity, request: Request) -> None:
    asked = {
        "checkpoint": request.checkpoint,
        "patience": request.patience,
        "validation": request.rows.validation,
    }
    for name, value in asked.items():
        if value is not None:
            raise ArgumentError(
                f"{name}= is for algorithms that learn step by step, and {algorithm.name} works on the log density "
                f"of all rows and ends within seconds; leave {name} out, or use "
                "algorithm=taut.algorithms.StochasticGradient()."
            )


def _nowhere(choice: Choice, settled: Settled, learned_at: float) -> Outcome:
    """No start has a finite ELBO."""
    reason = (
        "No start of sixteen has a finite log density around it. Look at model.check(), and at the density near "
        "the start of its unknowns."
    )
    return Outcome(
        problem=choice.problem,
        bound=Bound(-np.inf, -np.inf, np.inf, 0.0),
        history={},
        ended=Ended.DIVERGED,
        reason=reason,
        iterations=0,
        gradient_evaluations=settled.evaluations,
        learned_at=learned_at,
        convergence=Convergence(Converged.NO, "no start has a finite log density around it", None),
    )
