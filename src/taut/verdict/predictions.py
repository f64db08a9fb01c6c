"""Whether predictions can be used where not every unknown can: the verdict's draws, as linear predictors of rows."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from taut.verdict.answers import Trusted
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.hamiltonian import moments
from taut.verdict.judge import Judgement
from taut.verdict.trust import trust_from_weights

MOST_ROWS = 200
"""Rows at which predictions are judged, spread evenly over the data."""
UNNOTICED = 0.15
"""Change of a predictor's mean, in its sds, and of its sd, as a share, that leaves predictions good: the unknowns of an
answer that is good move by two thirds of it, and the largest of 200 changes has the noise of its weights in it."""


@dataclasses.dataclass(frozen=True)
class PredictionQuality:
    """How far predictions move under importance weights.

    Attributes:
        answer: Good, corrected, suspect or unusable.
        reason: In one sentence.
        shift: Largest change of a predictor's mean, in its sds; NaN where the weights do not tell.
        ratio: Largest change of its sd, as a share; likewise.
        rows: Number of rows looked at.
    """

    answer: Trusted
    reason: str
    shift: float
    ratio: float
    rows: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON; null stands for what is not known."""
        found = dataclasses.asdict(self)
        return {name: None if isinstance(x, float) and not np.isfinite(x) else x for name, x in found.items()} | {
            "answer": str(self.answer)
        }

    @classmethod
    def of_saved(cls, meta: dict[str, Any]) -> "PredictionQuality | None":
        """What `fit.json` says of predictions; None where it says nothing, as version 0.1.0 did."""
        said = meta["fit"].get("predictions")
        return None if said is None else cls.from_json(said)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "PredictionQuality":
        """The inverse of `to_json`."""
        numbers = {name: np.nan if said[name] is None else said[name] for name in ("shift", "ratio")}
        return cls(Trusted(said["answer"]), said["reason"], **numbers, rows=said["rows"])


def places(n: int) -> np.ndarray:
    """Rows that are looked at."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).round().astype(int))


def quality(judged: Judgement, eta: Float[np.ndarray, "S R"]) -> PredictionQuality:
    """The quality of predictions.

    Args:
        judged: The verdict with its draws.
        eta: The linear predictors of R rows at these draws.
    """
    trust, count = judged.verdict.trust, eta.shape[1]
    if judged.of_q:
        return _by_weights(judged, eta)
    if judged.chains > 1 and not trust.reliable:
        found = moments(eta.reshape(judged.chains, -1, count))
        if found.agree:
            reason = (
                f"chains agree on every predictor (R-hat {found.r_hat.max():.3f} at most); predict() uses their draws"
            )
            return PredictionQuality(Trusted.CORRECTED, reason, np.nan, np.nan, count)
        return PredictionQuality(trust.answer, "chains have not settled on the predictors", np.nan, np.nan, count)
    reason = "predict() uses the draws that stand in for q" if trust.reliable else trust.reason
    return PredictionQuality(trust.answer, reason, np.nan, np.nan, count)


def _by_weights(judged: Judgement, eta: Float[np.ndarray, "S R"]) -> PredictionQuality:
    whole, count = judged.verdict.trust, eta.shape[1]
    names = tuple(f"row {i}" for i in range(count))
    converged = judged.verdict.converged.answer
    trust, _ = trust_from_weights(judged.log_prob - judged.log_q, eta, names, converged=converged)
    if not trust.reliable:  # a richer answer may have confirmed q all the same
        said = whole if whole.answer is Trusted.GOOD else trust
        return PredictionQuality(said.answer, said.reason, np.nan, np.nan, count)
    shift = float(np.max(np.abs(trust.shift), initial=0.0))
    ratio = float(np.max(np.abs(trust.sd_ratio - 1), initial=0.0))
    moved = f"importance weights move predictors by {in_sds(shift)} and their sds by {in_percent(ratio)}"
    if judged.corrected and trust.answer is Trusted.CORRECTED:
        return PredictionQuality(Trusted.CORRECTED, f"{moved}; predict() applies them", shift, ratio, count)
    if max(shift, ratio) <= UNNOTICED:
        return PredictionQuality(Trusted.GOOD, moved, shift, ratio, count)
    return PredictionQuality(Trusted.SUSPECT, f"{moved}, which predict() does not apply", shift, ratio, count)
