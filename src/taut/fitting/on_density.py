"""Learning by batches of scores on the host, with the verdict at once: the model is compiled already."""

import dataclasses

import equinox as eqx
import numpy as np

from taut.algorithms.on_density.base import OnDensity, Solution
from taut.choosing.choose import Choice
from taut.core.cost import LEARNING, RICHER_FAMILIES, VERDICT
from taut.core.trees import cast
from taut.data.source import Source
from taut.diagnostics.elbo import Bound
from taut.errors import ArgumentError
from taut.fitting.ending import ending_on_density
from taut.fitting.outcome import Outcome, Request
from taut.learning.ended import Ended
from taut.models import Model
from taut.models.checks.jumps import jump_words
from taut.models.density import Density
from taut.verdict.answers import Converged
from taut.verdict.best import BestSoFar
from taut.verdict.convergence import Convergence, certified
from taut.verdict.draws import gaussian_of, on_host
from taut.verdict.fallbacks import try_fallbacks
from taut.verdict.judge import Judgement, judge_posterior
from taut.verdict.stand_in import improved

NO_START = (
    "No start of sixteen has a finite log density around it. Look at model.check(), and at the density near the start "
    "of its unknowns."
)
RAN_AWAY = (
    "The covariance of the Gaussian became singular on its way: the log density hardly depends on some direction, or "
    "rises without bound. Look at model.check(), and give every unknown a proper prior."
)
FAR = 1e6
"""Size of an unconstrained coordinate from which an answer may be one that has run away."""


@np.errstate(all="ignore")  # what is not finite is marked and counted, wherever a density overflows
def on_density(algorithm: OnDensity, choice: Choice, request: Request) -> Outcome:
    """Run an algorithm on the log density of all rows, and judge its answer.

    Args:
        algorithm: The algorithm of the choice.
        choice: The five sentences.
        request: What the run works on and how it is watched.

    Raises:
        ArgumentError: A checkpoint: it saves nothing on the way. Or a density that no fit can serve: improper, nowhere
            finite, or ending where the answer lies.
    """
    if request.checkpoint is not None:
        raise ArgumentError(
            f"checkpoint= is for algorithms that learn step by step, and {algorithm.name} works on the log density of "
            "all rows and saves nothing on the way; leave checkpoint out, or use "
            "algorithm=taut.algorithms.StochasticGradient()."
        )
    source = request.source
    density = Density(choice.problem.model, source.parent, source.dtype, request.ledger)
    with request.ledger.stage(LEARNING):
        try:
            solution, reason = algorithm.run(density, choice.problem, request.seed), NO_START
        except np.linalg.LinAlgError:
            solution, reason = None, RAN_AWAY
    if solution is None:
        choice.problem.model.check_density(source.parent.rows)
        return _nothing(choice, reason)
    with request.ledger.stage(VERDICT):
        best, convergence = _judged(choice, request, density, solution)
    if request.callback is not None:
        request.callback(solution.iterations, solution.history)
    verdict = dataclasses.replace(best.judgement.verdict, rungs=best.rungs)
    met = solution.converged or best.family is not solution.family
    return Outcome(
        problem=eqx.tree_at(lambda p: p.family, choice.problem, cast(best.family, source.dtype)),
        bound=best.judgement.bound,
        history=solution.history,
        ended=ending_on_density(met, verdict.converged),
        reason="",
        iterations=solution.iterations,
        own={"judged": best.judgement._replace(verdict=verdict)},
        convergence=convergence,
        reasons={"family": best.reason} if best.reason else {},
    )


def _judged(choice: Choice, request: Request, density: Density, solution: Solution) -> tuple[BestSoFar, Convergence]:
    """The answer with its verdict, by a fallback where one is better and the choice is open.

    Returns:
        The best answer; the convergence of the algorithm itself.
    """
    model, source = choice.problem.model, request.source
    unknown = np.isnan(solution.left)
    judgement = judge_posterior(
        model,
        solution.family,
        density,
        None if unknown else certified(solution.converged, solution.left, solution.figures),
        seed=request.seed,
        rows=source.size,
        recurred=solution.recurred,
        rivals=solution.share_of_rivals,
        to_columns=request.rows.to_columns,
    )
    _refuse(model, judgement, source)
    best = BestSoFar(solution.family, judgement)
    if choice.open and on_host(solution.family) is not None:
        gaussian = gaussian_of(solution.family)
        parts = model, source.parent, density, solution
        with request.ledger.stage(RICHER_FAMILIES):
            if request.kind.takes_any_family:
                best = try_fallbacks(*parts, gaussian, best, request.seed)
            else:
                judged = improved(*parts, judgement, seed=request.seed, to_columns=request.rows.to_columns)
                best = best._replace(judgement=judged, rungs=judged.verdict.rungs)
    return best, judgement.verdict.converged


def _refuse(model: Model, judgement: Judgement, source: Source) -> None:
    """Ask the questions of the model's check where the answer is doubtful or far away, and refuse what it refuses.

    Raises:
        ArgumentError: A density that is improper or otherwise not to be fitted, or that ends where the answer lies.
    """
    verdict = judgement.verdict
    sound = verdict.converged.answer is Converged.YES and verdict.trust.reliable
    far = not np.abs(judgement.z).max() < FAR
    if not sound or far:
        model.check_density(source.parent.rows)
    if judgement.jumps and far and not sound:
        raise ArgumentError(f"It cannot be fitted: {jump_words(list(judgement.jumps), model.place)}.")
    outside = float(np.mean(~np.isfinite(judgement.log_prob)))
    if outside and not verdict.trust.reliable and any(jump.hole for jump in judgement.jumps):
        raise ArgumentError(
            f"It cannot be fitted: {jump_words(list(judgement.jumps), model.place)}. {outside:.1%} of the draws of the "
            "best Gaussian lie outside, so that its ELBO is -inf."
        )


def _nothing(choice: Choice, reason: str) -> Outcome:
    """The outcome where no Gaussian was found."""
    convergence = Convergence(Converged.NO, "no Gaussian was found", None)
    return Outcome(
        problem=choice.problem,
        bound=Bound(-np.inf, -np.inf, np.inf, 0.0),
        history={},
        ended=Ended.DIVERGED,
        reason=reason,
        iterations=0,
        convergence=convergence,
    )
