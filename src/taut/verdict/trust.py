r"""Whether means and sds of the answer can be used: q is weighed against the model by fresh draws.

A user wants to know how far the reported means and sds are from the truth. Importance weights answer this where they
are reliable: the *shift* of a mean under the weights, in sds, is the error of q. Where the weights are not reliable,
nothing computed from them is. Single figures mislead (docs/verdict.md shows each of them doing so): k-hat is low for
fits whose means are a whole sd off and high for perfect ones, and the effective sample size does not see a missed mode.
So the answer combines several figures, with thresholds that were tuned on 73 posteriors with known answers and
confirmed on ours (`benchmarks/densities.py`).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from taut.diagnostics.importance import HIGH_K
from taut.verdict.answers import Converged, Trusted
from taut.verdict.changes import LEAST_RATIO, LEAST_SHIFT, in_percent, in_sds
from taut.verdict.unknowns import GOOD_RATIO, GOOD_SHIFT, answers_by_changes, in_words
from taut.verdict.weighing import ROUGH_RATIO, TAIL, Weighing, intervals_hold, tails_of_interval, weigh

DRAWS = 4000
"""Number of fresh draws. They are independent, so that the errors of the weights are what the formulas say."""
TINY_VARIANCE = 0.005
"""Half the variance of the log-weights, an estimate of KL(q||p) in nats, below which no mean can be 0.1 sd off."""
NOISE_VARIANCE = 0.045
"""Half-variance, 0.3 squared over 2, below which a high k-hat is noise: the weights hardly differ."""
CONCAVE_SIZE = 400.0
"""Effective number of draws that is enough where the log density is concave and q is bent as it is: no mode and no long
tail can be missed, and what is left is the noise of the weights, 0.05 sd of a mean and 3.5 % of an sd."""
LEAST_SIZE = 20.0
"""Effective number of draws below which the weights say nothing."""
SECOND_MOMENT_SIZE = 50.0
"""Effective number of draws of a squared deviation below which quantiles are the summary and an sd is none."""
RIVAL_SHARE = 0.01
"""Share of the mass at other optima above which the answer is suspect."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """Whether means and sds can be used, and the figures behind the answer.

    Attributes:
        answer: Good, corrected, suspect or unusable.
        reason: The reason in one sentence.
        k_hat: Tail shape of the weights; 0 where all weights are equal.
        effective_sample_size: Effective sample size of the weights, at most `draws`.
        half_variance: Half the variance of the log-weights: an estimate of KL(q||p), in nats, where q is close.
        draws: Number of fresh independent draws.
        elbo: Mean log-weight, in nats.
        log_evidence: Log of the mean weight, in nats: at least the ELBO, and low where q misses mass.
        log_evidence_error: Standard error of `log_evidence`.
        names: Names of the unknowns, `[M]`.
        shift: `[M]`, change of each mean under the weights, in sds of q.
        sd_ratio: `[M]`, weighted sd over the sd of q.
        second_moment_size: `[M]`, effective number of draws behind each weighted sd; 0 where the weighted squares have
            a tail too heavy (k-hat above 0.7) for any number of draws to tell.
        rivals: Share of the mass that distinct optima seem to hold besides the answer's.
        unknowns: `[M]`, the answer for each unknown: a whole that is suspect may hold unknowns that can be quoted.
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
    unknowns: tuple[Trusted, ...] = ()

    @property
    def reliable(self) -> bool:
        """Whether q, or q with its weights, can be used."""
        return self.answer in (Trusted.GOOD, Trusted.CORRECTED)

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Names of the unknowns that cannot be quoted."""
        usable = (Trusted.GOOD, Trusted.CORRECTED)
        return tuple(name for name, said in zip(self.names, self.unknowns, strict=True) if said not in usable)

    def of(self, names: Sequence[str]) -> list[Trusted]:
        """The answer for each of these unknowns; that of the whole where one has none of its own."""
        said = dict(zip(self.names, self.unknowns, strict=True))
        return [said.get(name, self.answer) for name in names]

    @classmethod
    def unweighed(cls, answer: Trusted, reason: str, draws: int = 0) -> "Trust":
        """An answer without weights, which are not finite or were not worth computing."""
        none = np.zeros(0)
        return cls(answer, reason, np.nan, np.nan, np.nan, draws, np.nan, np.nan, np.nan, (), none, none, none)

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON; the shifts by name."""
        plain = {k: _plain(v) for k, v in dataclasses.asdict(self).items() if k not in _COLUMNS}
        return plain | {
            "largest_shift": _plain(np.max(np.abs(self.shift), initial=0.0)),
            "shift": dict(zip(self.names, map(_plain, self.shift), strict=True)),
            "sd_ratio": dict(zip(self.names, map(_plain, self.sd_ratio), strict=True)),
            "second_moment_size": dict(zip(self.names, map(_plain, self.second_moment_size), strict=True)),
            "unknowns": dict(zip(self.names, map(str, self.unknowns), strict=True)),
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Trust":
        """The inverse of `to_json`; a number that was not finite comes back as NaN."""
        names = tuple(said["shift"])
        unknowns = said.get("unknowns", dict.fromkeys(names, said["answer"]))  # version 0.1.0 had none

        def number(x):
            return np.nan if x is None else x

        plain = {f.name: number(said[f.name]) for f in dataclasses.fields(cls) if f.name not in _COLUMNS}
        arrays = {name: np.array([number(said[name][key]) for key in names], float) for name in _FIGURES}
        own = {"answer": Trusted(plain["answer"]), "unknowns": tuple(Trusted(unknowns[name]) for name in names)}
        return cls(names=names, **(plain | own), **arrays)


_FIGURES = ("shift", "sd_ratio", "second_moment_size")
_COLUMNS = ("names", *_FIGURES, "unknowns")


def _plain(x: Any) -> Any:
    """A text or number that JSON can hold; None for a number that is not finite."""
    if isinstance(x, str):
        return str(x)
    return x if isinstance(x, int) else float(x) if np.isfinite(x) else None


def trust_from_weights(
    log_weights: Float[np.ndarray, " n"],
    values: Float[np.ndarray, "n M"],
    names: tuple[str, ...],
    *,
    converged: str = Converged.YES,
    recurred: bool = True,
    rivals: float = 0.0,
    unseen: bool = False,
    concave: bool = False,
) -> tuple[Trust, Weighing]:
    """Whether q can be trusted, by the importance weights of fresh independent draws.

    *Reliable* are weights whose half-variance is tiny, or whose effective sample size is at least n / 4 with k-hat
    below 0.7, or at least n / 2 where they differ too little for k-hat to say anything; the raw weights too must be
    worth n / 4. Where the log density is concave and q is bent, 400 draws do in place of n / 4 (under a Gaussian a
    weighted sd of a rare dummy was 13 % off). And q must have converged, the best ELBO recurred, and no other optimum
    hold a hundredth of the mass.
    Then the answer is "good" if no mean moves by 0.1 sd and no sd by 5 % under the weights, otherwise "corrected". A
    perfect fit has equal weights and is good.

    Args:
        log_weights: log p(x, z) - log q(z) at the draws, in nats, over the full data; any constant may be added.
        values: `[n, M]`, the named unknowns at the draws.
        names: Names of the unknowns.
        converged: Answer of the convergence check: a `Converged` or its text.
        recurred: Whether another start found the same ELBO.
        rivals: Share of the mass at other optima.
        unseen: Whether the log density jumps to values over q's that no draw has.
        concave: Whether the log density is concave, and q no Gaussian beside skewed coordinates.

    Returns:
        The answer with its figures; and the draws with their weights.
    """
    weighing = weigh(log_weights, values)
    answer, reason, unknowns = _answer(weighing, names, Converged(converged), recurred, rivals, unseen, concave)
    smoothed = weighing.smoothed
    trust = Trust(
        answer,
        reason,
        smoothed.k_hat,
        smoothed.effective_sample_size,
        weighing.half_variance,
        len(log_weights),
        weighing.elbo,
        smoothed.log_mean,
        smoothed.log_mean_error,
        names,
        weighing.shift,
        weighing.sd_ratio,
        weighing.second_moment_size,
        rivals,
        unknowns,
    )
    return trust, weighing


def _answer(
    weighing: Weighing,
    names: tuple[str, ...],
    converged: Converged,
    recurred: bool,
    rivals: float,
    unseen: bool,
    concave: bool,
) -> tuple[Trusted, str, tuple[Trusted, ...]]:
    """The answer, the sentence that gives its reason, and the answer for each unknown.

    A doubt of the whole, which is the first of the rules that applies, is one of each unknown.
    """
    doubt = _doubt_of_whole(weighing, converged, recurred, rivals, unseen, concave)
    return _answer_of_moments(weighing, names) if doubt is None else (*doubt, (doubt[0],) * len(names))


def _doubt_of_whole(
    weighing: Weighing, converged: Converged, recurred: bool, rivals: float, unseen: bool, concave: bool
) -> tuple[Trusted, str] | None:
    n, size, k_hat = len(weighing.values), weighing.smoothed.effective_sample_size, weighing.smoothed.k_hat
    if converged is Converged.NO:
        return Trusted.SUSPECT, "the fit has not converged, so its weights speak of a q on its way"
    if unseen:
        return (
            Trusted.SUSPECT,
            "beside a jump p is higher over q than at any draw, so that mass may be missed there",
        )
    if rivals > RIVAL_SHARE:
        return Trusted.SUSPECT, f"another optimum seems to hold {rivals:.0%} of the mass, which this answer misses"
    if not recurred:
        return Trusted.SUSPECT, "several optima: the best ELBO was found from one start only"
    if size < LEAST_SIZE:
        reason = f"{n} draws are worth {size:.0f} (k-hat {k_hat:.2f}): q and the posterior differ too much"
        return Trusted.UNUSABLE, reason
    if not _weights_reliable(weighing, concave):
        reason = f"{n} draws are worth {size:,.0f} (k-hat {k_hat:.2f}): too few to say how far q is off"
        return Trusted.SUSPECT, reason
    return None


def _answer_of_moments(weighing: Weighing, names: tuple[str, ...]) -> tuple[Trusted, str, tuple[Trusted, ...]]:
    """The answers where the weights are reliable, by what they change."""
    largest = float(np.max(np.abs(weighing.shift), initial=0.0))
    changes = np.abs(weighing.sd_ratio - 1)
    ratio = float(np.max(changes, initial=0.0))
    # Where q and its weights agree about an sd nothing is amiss, however few draws carry its weighted square.
    rough = (weighing.second_moment_size < SECOND_MOMENT_SIZE) & (changes > ROUGH_RATIO)
    unknowns = answers_by_changes(weighing.shift, weighing.sd_ratio, rough)
    if rough.any():
        tails = tails_of_interval(weighing.values, weighing.values, weighing.smoothed.weights)
        advice = quantile_advice(names, tails, rough)
        which = in_words(list(np.array(names)[rough]))
        return Trusted.SUSPECT, f"heavy tails: the sd of {which} hangs on a few draws; {advice}", unknowns
    if largest < GOOD_SHIFT and ratio <= GOOD_RATIO:
        means = f"no mean by more than {largest:.2f} sd" if largest >= LEAST_SHIFT else f"each mean by {in_sds(0)}"
        sds = f"no sd by more than {ratio:.0%}" if ratio >= LEAST_RATIO else f"each sd by {in_percent(0)}"
        return Trusted.GOOD, f"importance weights move {means} and {sds}", unknowns
    reason = (
        f"means moved by {in_sds(largest)} and sds by {in_percent(ratio)} under importance weighting; "
        "use fit.sample() or fit.summary(), which apply it"
    )
    return Trusted.CORRECTED, reason, unknowns


def quantile_advice(names: tuple[str, ...], tails: Float[np.ndarray, "2 M"], rough: np.ndarray) -> str:
    """What to read where an sd cannot be used: quantiles, if those of q hold.

    Args:
        names: Names of the unknowns.
        tails: Share of the mass below and above the 95 % interval of q.
        rough: `[M]`, the unknowns whose sds cannot be used.

    Example:
        >>> quantile_advice(("a",), np.array([[0.03], [0.02]]), np.array([True]))
        'read quantiles, not sds'
    """
    if np.all(intervals_hold(tails)[rough]):
        return "read quantiles, not sds"
    worst = int(np.argmax(np.where(rough, np.abs(tails - TAIL).max(0), -1.0)))
    below, above = tails[:, worst]
    return f"nor do q's quantiles hold: the 95% interval of {names[worst]} leaves {below:.1%} below, {above:.1%} above"


def _weights_reliable(weighing: Weighing, concave: bool) -> bool:
    """Whether the weights can be relied on: the rule that `trust_from_weights` states."""
    n, smoothed = len(weighing.values), weighing.smoothed
    least = min(n / 4, CONCAVE_SIZE) if concave else n / 4
    if weighing.half_variance < TINY_VARIANCE and np.isfinite(weighing.elbo):
        return True
    if smoothed.k_hat < HIGH_K:
        enough = smoothed.effective_sample_size >= least
    else:
        enough = smoothed.effective_sample_size >= n / 2 and weighing.half_variance < NOISE_VARIANCE
    # Smoothing erases a handful of draws that carry much over a flat bulk; the raw weights still know of them.
    raw_size = n / (1 + n * smoothed.log_mean_error**2)
    return enough and raw_size >= least
