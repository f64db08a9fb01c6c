"""The first of the fallbacks: weighted draws that are wider than q's, which cost values of log p and no gradients."""

import dataclasses

import numpy as np
from jaxtyping import Float

from taut.diagnostics.importance import HIGH_K, pareto_smoothed
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Converged, Trusted
from taut.verdict.best import BestSoFar
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.draws import JUDGE_STREAM, Columns, named_columns
from taut.verdict.judge import CORRECTED
from taut.verdict.trust import DRAWS
from taut.verdict.unknowns import GOOD_RATIO, GOOD_SHIFT, answers_by_changes
from taut.verdict.weighing import Weighing, heavy_tails, varies, weigh
from taut.verdict.wide import Wide, Widened

NAME = "wider draws"
MOST_COORDINATES = 50
"""Largest number of coordinates: beyond them draws of a Student-t distribution are hardly ever near enough to p."""
PROMISING, CLEARLY = 0.1, 0.2
"""Effective share of the pilot draws from which draws are made, and of these from which four times as many are."""
NEGLIGIBLE = 20.0
"""Nats below the largest log-weight from which a draw may be left out: 16,000 of them change nothing."""
LARGEST = 8.0
"""Largest weight, in average weights, up to which all is seen of a tail of weights: its shape is then noise."""
MEAN_ERROR, SD_ERROR = 0.03, 0.05
"""Standard errors of a mean, in sds, and of an sd, as a share, above which the weights do not say enough."""
KEPT = 0.5
"""Share of the changes up to which q is good within which q is kept: the draws that are better are there already."""
HEAVIEST = 0.85
"""Tail shape of squared deviations above which an sd hangs on a few draws."""


def reweighed(
    model: Model, density: Density, best: BestSoFar, seed: int, to_columns: Columns | None = None
) -> BestSoFar:
    """The best answer, by the weights of wider draws where these say enough.

    The draws become the answer; q itself remains it where they agree with it.

    Args:
        model: The model, which names the unknowns.
        density: log p.
        best: The best answer so far.
        seed: Seed of the draws.
        to_columns: A function in place of the model's own naming.
    """
    if density.dim > MOST_COORDINATES or len(best.judgement.z) < DRAWS or not _may(best):
        return best
    widened = Widened(best.family, density, np.random.default_rng([seed, JUDGE_STREAM + 2, len(best.rungs)]))
    if widened.share < PROMISING:
        return best.tried(f"{NAME}: worth {widened.share:.1%} of their number")
    wide = widened.draws(DRAWS)
    share = pareto_smoothed(wide.log_prob - wide.log_own).effective_sample_size / DRAWS
    best = best._replace(share=share)
    if share < CLEARLY:
        return best.tried(f"{NAME}: worth {share:.1%} of their number")
    for n in (CORRECTED * DRAWS, CORRECTED**2 * DRAWS):
        found = _weighed(model, density, widened.more(wide, n), to_columns)
        if found is None:
            return best.tried(f"{NAME}: unknowns overflow there")
        wide, names, weighing = found
        size = weighing.smoothed.effective_sample_size
        note = f"{NAME}: {len(wide.z):,} are worth {size:,.0f} (k-hat {weighing.smoothed.k_hat:.2f})"
        if not (_seen_whole(weighing) or _reliable(weighing)):
            return best.tried(f"{note}, too few")
        why, nearly = _undecided(names, weighing)
        if not nearly:
            break
    if why:
        return best._replace(share=1.0).tried(f"{note}, {why}")  # tails of the posterior's own: no q would help
    before = named_columns(model, best.judgement.z, density.dtype, to_columns)[1]
    return _answer(best, wide, names, weighing, before)._replace(source=NAME, confirmed=True).tried(note)


def _weighed(model: Model, density: Density, wide: Wide, to_columns: Columns | None):
    """The draws with their names and weights, without those at which an unknown overflows; None where these matter."""
    names, values = named_columns(model, wide.z, density.dtype, to_columns)
    # Squares are to be summed, so that the root of the largest number is too large.
    fine = (np.abs(values) < 0.01 * np.sqrt(np.finfo(values.dtype).max)).all(1)
    if not fine.all():
        log_weights = wide.log_prob - wide.log_own
        if not log_weights[~fine].max() < log_weights[fine].max() - NEGLIGIBLE:
            return None
        wide, values = Wide(*(part[fine] for part in wide)), values[fine]
    return wide, names, weigh(wide.log_prob - wide.log_own, values)


def _may(best: BestSoFar) -> bool:
    """Whether weights around q can be the answer: no jump, and a q that is not on its way."""
    verdict, judged = best.judgement.verdict, best.judgement
    return judged.of_q and not judged.jumps and verdict.converged.answer is not Converged.NO


def _seen_whole(weighing: Weighing) -> bool:
    """Whether no weight is far above the average, so that a tail of weights has been seen to its end."""
    weights = weighing.smoothed.weights
    enough = weighing.smoothed.effective_sample_size >= len(weights) / 2
    return bool(enough and weights.max() * len(weights) < LARGEST and np.isfinite(weighing.elbo))


def _reliable(weighing: Weighing) -> bool:
    """Whether a quarter of the draws is left by weights and by raw weights, of which no tail is surely too long."""
    n, smoothed = len(weighing.values), weighing.smoothed
    error = (1 + abs(smoothed.k_hat)) / np.sqrt(3 * np.sqrt(n))  # of a maximum-likelihood estimate from the tail
    raw = n / (1 + n * smoothed.log_mean_error**2)
    return bool(min(smoothed.effective_sample_size, raw) >= n / 4 and smoothed.k_hat - error < HIGH_K)


def _undecided(names: tuple[str, ...], weighing: Weighing) -> tuple[str, bool]:
    """What the weights leave open, "" where they do not; and whether four times as many draws would settle it."""
    judged = varies(weighing.values)
    values, w = weighing.values[:, judged], weighing.smoothed.weights
    mean_error, sd_error = moment_errors(values, w)
    rough = heavy_tails(values, w, above=HEAVIEST)
    if rough.any():
        return f"the sd of {np.array(names)[judged][rough][0]} hangs on a few", False
    worst = np.maximum(mean_error / MEAN_ERROR, sd_error / SD_ERROR)
    if worst.max(initial=0.0) > 1:
        return f"too few for {np.array(names)[judged][np.argmax(worst)]}", bool(worst.max() < np.sqrt(CORRECTED))
    return "", False


def moment_errors(
    values: Float[np.ndarray, "n M"], weights: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Standard errors of weighted means, in weighted sds, and of weighted sds, as a share of them.

    Args:
        values: Independent draws.
        weights: Their weights, which sum to 1.

    Example:
        >>> a, b = moment_errors(np.array([[1.0], [-1.0]] * 50), np.full(100, 0.01))
        >>> round(float(a[0]), 3), round(float(b[0]), 6)
        (0.1, 0.0)
    """
    square = weights[:, None] * (values - weights @ values) ** 2
    variance = square.sum(0)
    of_square = np.sum((square - weights[:, None] * variance) ** 2, 0)
    return np.sqrt(weights @ square / variance), 0.5 * np.sqrt(of_square) / variance


def _answer(best: BestSoFar, wide: Wide, names, weighing: Weighing, before: np.ndarray) -> BestSoFar:
    """The weighted draws as the answer, or q where they agree with it."""
    judged, w = varies(before), weighing.smoothed.weights
    sd = np.where(judged, before.std(0), 1.0)
    mean = w @ weighing.values
    shift = np.where(judged, (mean - before.mean(0)) / sd, 0.0)
    ratio = np.where(judged, np.sqrt(w @ (weighing.values - mean) ** 2) / sd, 1.0)
    largest, widest = float(np.abs(shift).max(initial=0)), float(np.abs(ratio - 1).max(initial=0))
    good = largest < KEPT * GOOD_SHIFT and widest <= KEPT * GOOD_RATIO
    moved = f"{NAME} with their weights moved means by {in_sds(largest)} and sds by {in_percent(widest)}"
    verdict, smoothed = best.judgement.verdict, weighing.smoothed
    trust = dataclasses.replace(
        verdict.trust,
        answer=Trusted.GOOD if good else Trusted.CORRECTED,
        reason=moved if good else f"{moved}; fit.sample() and fit.summary() use them",
        k_hat=smoothed.k_hat,
        effective_sample_size=smoothed.effective_sample_size,
        draws=len(w),
        log_evidence=smoothed.log_mean,
        log_evidence_error=smoothed.log_mean_error,
        names=names,
        shift=shift,
        sd_ratio=ratio,
        second_moment_size=weighing.second_moment_size,
        unknowns=answers_by_changes(shift, ratio),
    )
    judgement = best.judgement._replace(verdict=dataclasses.replace(verdict, trust=trust))
    if good:
        equal = np.full(len(judgement.z), 1 / len(judgement.z))
        return best._replace(judgement=judgement._replace(weights=equal))
    return best._replace(
        judgement=judgement._replace(z=wide.z, weights=w, log_prob=wide.log_prob, log_q=wide.log_own, of_q=False)
    )
