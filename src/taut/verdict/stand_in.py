"""A better answer for a fit whose q stays a Gaussian: draws of a richer family, or of chains, stand in for q.

The certificate of a regression, its ELBO and its q are those of the best Gaussian. Where that Gaussian is not to be
trusted the fallbacks look for a better answer, and its weighted draws become the answer: the verdict is "corrected".
"""

import dataclasses

import numpy as np

from taut.algorithms.on_density.base import Solution
from taut.core.batch import Batch
from taut.diagnostics.importance import pareto_smoothed
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Trusted
from taut.verdict.best import BestSoFar
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.draws import Columns, draws_of, gaussian_of, named_columns
from taut.verdict.fallbacks import try_fallbacks
from taut.verdict.judge import CORRECTED, Judgement, affordable_draws
from taut.verdict.unknowns import GOOD_RATIO, GOOD_SHIFT, answers_by_changes
from taut.verdict.weighing import intervals_hold, tails_of_interval


def improved(
    model: Model,
    batch: Batch,
    density: Density,
    solution: Solution,
    judgement: Judgement,
    *,
    seed: int,
    to_columns: Columns | None = None,
) -> Judgement:
    """The judgement of a Gaussian q, with the draws of a fallback where one is better and can be trusted.

    Args:
        model: The model.
        batch: All rows.
        density: Log density of all rows.
        solution: What the algorithm found; its family is q.
        judgement: The verdict on q with its draws.
        seed: Seed of the draws.
        to_columns: A function `z -> (names, [n, M])` in place of the model's own naming.
    """
    gaussian = gaussian_of(solution.family)
    if gaussian is None:
        return judgement
    first = BestSoFar(solution.family, judgement)
    best = try_fallbacks(model, batch, density, solution, gaussian, first, seed, to_columns)
    if best.judgement is judgement:
        return _with_rungs(judgement, best)
    if not best.trusted and best.judgement.corrected:
        verdict = dataclasses.replace(best.judgement.verdict, converged=judgement.verdict.converged)
        return _with_rungs(best.judgement._replace(verdict=verdict, bound=judgement.bound), best)
    if not best.trusted:
        # What made a richer family doubtful is a doubt of q, too.
        doubtful = not judgement.verdict.trust.reliable
        return _with_rungs(judgement if doubtful else _instead(judgement, best.judgement), best)
    if best.confirmed and best.judgement.of_q and best.family is solution.family:  # wider draws agree with q itself
        return _with_rungs(_instead(judgement, best.judgement), best)
    return _with_rungs(_standing_in(model, density, judgement, best, seed, int(batch.size), to_columns), best)


def _standing_in(
    model: Model,
    density: Density,
    judgement: Judgement,
    best: BestSoFar,
    seed: int,
    rows: int,
    to_columns: Columns | None,
) -> Judgement:
    """The better draws as the answer; or q itself, where they confirm its means, sds and intervals."""
    z, weights, log_prob, log_q = _draws(best, density, seed, rows)
    names, values = named_columns(model, z, density.dtype, to_columns)
    plain = named_columns(model, judgement.z, density.dtype, to_columns)[1]
    mean = weights @ values
    shift, ratio = (mean - plain.mean(0)) / plain.std(0), np.sqrt(weights @ (values - mean) ** 2) / plain.std(0)
    largest, widest = float(np.abs(shift).max()), float(np.abs(ratio - 1).max())
    held = intervals_hold(tails_of_interval(plain, values, weights)).all()
    good = largest < GOOD_SHIFT and widest <= GOOD_RATIO and held
    reason = f"a richer answer ({best.source}) moved means by {in_sds(largest)} and sds by {in_percent(widest)}"
    trust = dataclasses.replace(
        best.judgement.verdict.trust,
        answer=Trusted.GOOD if good else Trusted.CORRECTED,
        reason=reason if good else f"{reason}; fit.sample() and fit.summary() use its draws",
        names=names,
        shift=shift,
        sd_ratio=ratio,
        unknowns=answers_by_changes(shift, ratio),
    )
    verdict = dataclasses.replace(judgement.verdict, trust=trust)
    if good:
        return judgement._replace(verdict=verdict, weights=np.full(len(judgement.z), 1 / len(judgement.z)))
    return Judgement(verdict, judgement.bound, z, weights, log_prob, log_q, of_q=False)


def _draws(best: BestSoFar, density: Density, seed: int, rows: int) -> tuple[np.ndarray, ...]:
    """Draws of the better answer with their weights, log p and log q: as many as a correction takes."""
    judged, n = best.judgement, CORRECTED * affordable_draws(density, rows)
    if not judged.of_q or len(judged.z) >= n:
        return judged.z, judged.weights, judged.log_prob, judged.log_q
    z, log_q = draws_of(best.family, n, seed, density.dtype)  # of which the first are those that were judged
    log_prob = np.concatenate([judged.log_prob, density.values(z[len(judged.z) :])[0]])
    good = judged.verdict.trust.answer is Trusted.GOOD  # then the draws are right as they are
    return z, np.full(n, 1 / n) if good else pareto_smoothed(log_prob - log_q).weights, log_prob, log_q


def _instead(judgement: Judgement, other: Judgement) -> Judgement:
    """The draws of q with the trust of another answer."""
    verdict = dataclasses.replace(judgement.verdict, trust=other.verdict.trust)
    return judgement._replace(verdict=verdict, weights=np.full(len(judgement.z), 1 / len(judgement.z)))


def _with_rungs(judgement: Judgement, best: BestSoFar) -> Judgement:
    return judgement._replace(verdict=dataclasses.replace(judgement.verdict, rungs=best.rungs))
