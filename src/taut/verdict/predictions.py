"""Whether predictions can be used where not every unknown can: weights against plain averages of linear predictors."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from taut.core.schema import NUMBER, TEXT, entries, maybe, one_of, whole
from taut.verdict.answers import Trusted
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.trust import trust_from_weights

RECORD = entries(
    {"answer": one_of(*Trusted), "reason": TEXT, "shift": maybe(NUMBER), "ratio": maybe(NUMBER), "rows": whole()}
)
"""What `PredictionQuality.to_json` gives."""
MOST_ROWS = 200
"""Rows at which predictions are judged, spread evenly over the data."""


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
    def from_json(cls, said: dict[str, Any]) -> "PredictionQuality":
        """The inverse of `to_json`.

        Raises:
            ValueError: not what `to_json` gives.
        """
        RECORD.check(said)
        numbers = {name: np.nan if said[name] is None else said[name] for name in ("shift", "ratio")}
        return cls(Trusted(said["answer"]), said["reason"], **numbers, rows=said["rows"])


def places(n: int) -> np.ndarray:
    """Rows that are looked at."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).round().astype(int))


def quality(eta: Float[np.ndarray, "S R"], log_weights: Float[np.ndarray, " S"], converged: str) -> PredictionQuality:
    """The quality of predictions.

    Args:
        eta: Draws of the linear predictors of R rows.
        log_weights: log p - log q of the draws, in nats.
        converged: Answer of the convergence check.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> str(quality(rng.normal(size=(1000, 3)), np.zeros(1000), "yes").answer)
        'good'
    """
    names = tuple(f"row {i}" for i in range(eta.shape[1]))
    trust, _ = trust_from_weights(log_weights, eta, names, converged=converged)
    shift = float(np.max(np.abs(trust.shift), initial=0.0))
    ratio = float(np.max(np.abs(trust.sd_ratio - 1), initial=0.0))
    if not trust.reliable:
        return PredictionQuality(trust.answer, trust.reason, np.nan, np.nan, eta.shape[1])
    if trust.answer is Trusted.GOOD:
        reason = f"importance weights move no predictor by more than {shift:.2f} sd and none of the sds by {ratio:.0%}"
    else:
        reason = f"predictors moved by {in_sds(shift)} and their sds by {in_percent(ratio)}; predict() applies it"
    return PredictionQuality(trust.answer, reason, shift, ratio, len(names))
