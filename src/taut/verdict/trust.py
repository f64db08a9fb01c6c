r"""Can the answer be trusted? Weighed against the model by fresh draws.

The one question that a user has is how far the reported means and sds are from the truth. Importance weights answer it
where they are reliable: the *shift* of a mean under the weights, in sds, is the error of q. Where they are not, nothing
computed from them is. Single figures lie (docs/verdict.md shows each of them doing so): k-hat is low for fits whose
means are a whole sd off and high for perfect ones, the effective sample size does not see a missed mode. So the answer
is made of several, with thresholds that were tuned on 73 posteriors with known answers and confirmed on ours
(`benchmarks/densities.py`).
"""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from taut.verdict.answers import Converged, Trusted
from taut.verdict.importance import Smoothed, pareto_smoothed

DRAWS = 4000
"""Fresh draws: independent, so that the errors of the weights are what the formulas say."""
TINY_VARIANCE = 0.005
"""Half the variance of the log-weights, an estimate of KL(q||p) in nats, that caps any shift of a mean at 0.1 sd."""
NOISE_VARIANCE = 0.045
"""Half-variance, 0.3 squared over 2, below which a high k-hat is noise: the weights hardly differ."""
HIGH_K = 0.7
GOOD_SHIFT, GOOD_RATIO = 0.1, 0.05
LEAST_SIZE = 20.0
"""Effective draws below which the weights say nothing."""
SECOND_MOMENT_SIZE = 50.0
"""Effective draws of a squared deviation below which an sd is no summary, and quantiles are."""
ROUGH_RATIO = 0.1
"""Change of an sd under the weights beyond which it matters how many draws carry it."""
RIVAL_SHARE = 0.01
"""Share of the mass that another optimum must seem to hold before the answer is suspect."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """Whether means and sds can be used, and what was seen.

    Attributes:
        answer: Good, corrected, suspect or unusable.
        reason: one sentence.
        k_hat: tail shape of the weights; 0 where all are equal.
        effective_sample_size: of the weights, of `draws`.
        half_variance: of the log-weights: an estimate of KL(q||p), in nats, where q is close.
        draws: fresh independent draws.
        elbo: mean log-weight, in nats.
        log_evidence: log of the mean weight, in nats: at least the ELBO, and low where q misses mass.
        log_evidence_error: its standard error.
        names: of the unknowns, `[M]`.
        shift: `[M]`, how far each mean moves under the weights, in sds of q.
        sd_ratio: `[M]`, weighted sd over the sd of q.
        second_moment_size: `[M]`, effective draws behind each weighted sd; 0 where the weighted squares have a tail
            too heavy (k-hat above 0.7) for any number of draws to tell.
        rivals: share of the mass that distinct optima seem to hold besides the answer's.
    """

    answer: Trusted
    reason: str
    k_hat: float
    effective_sample_size: float
    half_variance: float
    draws: int
    elbo: float
    log_evidence: float
    log_evidence_error: float
    names: tuple[str, ...]
    shift: Float[np.ndarray, " M"]
    sd_ratio: Float[np.ndarray, " M"]
    second_moment_size: Float[np.ndarray, " M"]
    rivals: float = 0.0

    @property
    def reliable(self) -> bool:
        """Whether q, or q with its weights, can be used."""
        return self.answer in (Trusted.GOOD, Trusted.CORRECTED)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; the shifts by name."""
        plain = {k: _plain(v) for k, v in dataclasses.asdict(self).items() if k not in _COLUMNS}
        return plain | {
            "largest_shift": _plain(np.max(np.abs(self.shift), initial=0.0)),
            "shift": dict(zip(self.names, map(_plain, self.shift), strict=True)),
            "sd_ratio": dict(zip(self.names, map(_plain, self.sd_ratio), strict=True)),
            "second_moment_size": dict(zip(self.names, map(_plain, self.second_moment_size), strict=True)),
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Trust":
        """The inverse of `to_json`; a number that was not finite comes back as NaN."""
        names = tuple(said["shift"])
        fields = {f.name: said[f.name] for f in dataclasses.fields(cls) if f.name not in _COLUMNS}
        fields["answer"] = Trusted(said["answer"])

        def number(x):
            return np.nan if x is None else x

        for name in _COLUMNS[1:]:
            fields[name] = np.array([number(said[name][key]) for key in names], float)
        return cls(
            names=names,
            **{k: number(v) for k, v in fields.items() if k not in _COLUMNS},
            **{k: fields[k] for k in _COLUMNS[1:]},
        )


_COLUMNS = ("names", "shift", "sd_ratio", "second_moment_size")


def _plain(x: Any) -> Any:
    """A number that JSON can say; None for one that is not finite."""
    return x if isinstance(x, (str, int)) else float(x) if np.isfinite(x) else None


@dataclasses.dataclass(frozen=True)
class Weighing:
    """Draws of q with their normalised weights, and the moments that they give.

    Attributes:
        smoothed: the weights.
        values: `[n, M]`, the named unknowns at the draws.
        shift: `[M]`, as in `Trust`.
        sd_ratio: `[M]`.
        second_moment_size: `[M]`.
    """

    smoothed: Smoothed
    values: Float[np.ndarray, "n M"]
    shift: Float[np.ndarray, " M"]
    sd_ratio: Float[np.ndarray, " M"]
    second_moment_size: Float[np.ndarray, " M"]


def weigh(log_weights: Float[np.ndarray, " n"], values: Float[np.ndarray, "n M"]) -> Weighing:
    """Means and sds under the weights against those of the same draws without them: paired, so that the noise cancels.

    Args:
        log_weights: log p(x, z) - log q(z), in nats; any constant may be added.
        values: the named unknowns at the same draws.
    """
    smoothed = pareto_smoothed(log_weights)
    w = smoothed.weights[:, None]
    mean, sd = values.mean(0), values.std(0)
    safe = np.where(sd > 0, sd, 1.0)
    weighted = np.sum(w * values, 0)
    squared = (values - weighted) ** 2
    weighted_sd = np.sqrt(np.sum(w * squared, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.sum(w * squared, 0) ** 2 / np.sum((w * squared) ** 2, 0)
    size = np.where(np.isfinite(size), size, len(values))
    moved = (np.abs(weighted_sd / safe - 1) > ROUGH_RATIO) & (sd > 0)
    size[moved] = np.where(heavy_tails(values[:, moved], smoothed.weights), 0.0, size[moved])
    return Weighing(smoothed, values, (weighted - mean) / safe, np.where(sd > 0, weighted_sd / safe, 1.0), size)


def heavy_tails(
    values: Float[np.ndarray, "n M"], weights: Float[np.ndarray, " n"] | None = None, above: float = HIGH_K
) -> np.ndarray:
    """`[M]`, whether the (weighted) squared deviations have a tail that draws do not average out.

    Args:
        values: draws.
        weights: of the draws; equal by default.
        above: k-hat of the squares, 0.8 for a log-normal of log-sd 1, 1 for one that has an infinite variance.
    """
    w = np.full(len(values), 1 / len(values)) if weights is None else weights
    with np.errstate(divide="ignore"):
        log_squares = np.log(w)[:, None] + 2 * np.log(np.abs(values - w @ values))
    return np.array([pareto_smoothed(column).k_hat > above for column in log_squares.T], bool)


def trust_from_weights(
    log_weights: Float[np.ndarray, " n"],
    values: Float[np.ndarray, "n M"],
    names: tuple[str, ...],
    *,
    converged: Converged = Converged.YES,
    recurred: bool = True,
    rivals: float = 0.0,
) -> tuple[Trust, Weighing]:
    """The verdict on q from fresh independent draws.

    *Reliable* are weights whose half-variance is tiny, or whose effective sample size is at least n / 4 with k-hat
    below 0.7, or at least n / 2 where they differ too little for k-hat to say anything; the raw weights too must be
    worth n / 4. And q must have converged, the best ELBO recurred, and no other optimum hold a hundredth of the mass.
    Then the answer is "good" if no mean moves by 0.1 sd and no sd by 5 % under the weights, otherwise "corrected". A
    perfect fit has equal weights and is good.

    Args:
        log_weights: log p(x, z) - log q(z) at the draws, in nats, over the full data; any constant may be added.
        values: `[n, M]` the named unknowns there.
        names: of the unknowns.
        converged: answer of the convergence check, "yes", "no" or "unknown".
        recurred: whether another start found the same ELBO.
        rivals: share of the mass at other optima.
    """
    weighing = weigh(log_weights, values)
    smoothed = weighing.smoothed
    finite = log_weights[np.isfinite(log_weights)]
    inside = len(finite) == len(log_weights)
    trust = Trust(
        Trusted.UNUSABLE,  # until the figures are asked
        "",
        smoothed.k_hat,
        smoothed.effective_sample_size,
        0.5 * float(np.var(finite)) if len(finite) > 1 else np.inf,
        len(log_weights),
        float(np.mean(finite)) if inside else -np.inf,
        smoothed.log_mean,
        smoothed.log_mean_error,
        names,
        weighing.shift,
        weighing.sd_ratio,
        weighing.second_moment_size,
        rivals,
    )
    answer, reason = _answer(trust, inside, converged, recurred)
    return dataclasses.replace(trust, answer=answer, reason=reason), weighing


def _answer(seen: Trust, inside: bool, converged: Converged, recurred: bool) -> tuple[Trusted, str]:
    """The first of the rules that applies, as the answer and the sentence that gives its reason.

    Args:
        seen: the figures.
        inside: whether no draw fell where the density is zero.
        converged: answer of the convergence check.
        recurred: whether another start found the same ELBO.
    """
    n, size, k_hat = seen.draws, seen.effective_sample_size, seen.k_hat
    largest = float(np.max(np.abs(seen.shift), initial=0.0))
    ratio = float(np.max(np.abs(seen.sd_ratio - 1), initial=0.0))
    # Where q and its weights agree about an sd nothing is amiss, however few draws carry its weighted square.
    rough = (seen.second_moment_size < SECOND_MOMENT_SIZE) & (np.abs(seen.sd_ratio - 1) > ROUGH_RATIO)

    if converged == Converged.NO:
        return Trusted.SUSPECT, "the fit has not converged, so its weights speak of a q on its way"
    if seen.rivals > RIVAL_SHARE:
        return Trusted.SUSPECT, f"another optimum seems to hold {seen.rivals:.0%} of the mass, which this answer misses"
    if not recurred:
        return Trusted.SUSPECT, "several optima: the best ELBO was found from one start only"
    if size < LEAST_SIZE:
        return (
            Trusted.UNUSABLE,
            f"{n} draws are worth {size:.0f} (k-hat {k_hat:.2f}): q and the posterior differ too much",
        )
    if not _weights_reliable(seen, inside):
        return Trusted.SUSPECT, f"{n} draws are worth {size:,.0f} (k-hat {k_hat:.2f}): too few to say how far q is off"
    if rough.any():
        which = ", ".join(np.array(seen.names)[rough][:3])
        return Trusted.SUSPECT, f"heavy tails: the sd of {which} hangs on a few draws; read quantiles, not sds"
    if largest < GOOD_SHIFT and ratio <= GOOD_RATIO:
        return (
            Trusted.GOOD,
            f"importance weights move no mean by more than {largest:.2f} sd and no sd by more than {ratio:.0%}",
        )
    return (
        Trusted.CORRECTED,
        f"means moved by up to {largest:.2f} sd and sds by up to {ratio:.0%} under importance weighting; "
        "use fit.sample() or fit.summary(), which apply it",
    )


def _weights_reliable(seen: Trust, inside: bool) -> bool:
    """Whether what the weights say can be believed: the rule that `trust_from_weights` states."""
    n, size = seen.draws, seen.effective_sample_size
    if seen.half_variance < TINY_VARIANCE and inside:
        return True
    light = seen.k_hat < HIGH_K
    enough = size >= n / 4 if light else size >= n / 2 and seen.half_variance < NOISE_VARIANCE
    # Smoothing erases a handful of draws that carry much over a flat bulk; the raw weights still know of them.
    raw_size = n / (1 + n * seen.log_evidence_error**2)
    return enough and raw_size >= n / 4


def resample(weights: Float[np.ndarray, " n"], n: int, rng: np.random.Generator) -> np.ndarray:
    """Places of `n` draws with replacement, by systematic resampling: each appears n w times, rounded up or down."""
    places = np.searchsorted(np.cumsum(weights), (np.arange(n) + rng.uniform()) / n)
    return rng.permutation(np.minimum(places, len(weights) - 1))
