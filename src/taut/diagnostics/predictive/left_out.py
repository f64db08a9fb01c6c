r"""Leave-one-out from draws: log p(y_i given y_-i) by Pareto-smoothed importance weights 1 / p(y_i given z).

Source: A. Vehtari, A. Gelman, J. Gabry, Practical Bayesian model evaluation using leave-one-out cross-validation and
WAIC, 2017.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from taut.diagnostics.importance import HIGH_K, pareto_smoothed
from taut.diagnostics.predictive.check import listed

TOGETHER = 128
"""Units weighed at once."""


@dataclass(frozen=True)
class LeftOut:
    """Expected log predictive density, unit by unit: of rows, or of whole groups.

    Attributes:
        elpd: `[n]`, log p(y_i given y_-i), in nats.
        p_eff: `[n]`, log p(y_i given y) minus that; the sum is the effective number of parameters.
        k_hat: `[n]`, shape of the weights' tail; NaN where no weights were used.
        good: `[n]`, whether each can be relied on.
    """

    elpd: np.ndarray
    p_eff: np.ndarray
    k_hat: np.ndarray
    good: np.ndarray

    @property
    def total(self) -> float:
        """The sum over units."""
        return float(self.elpd.sum())

    @property
    def standard_error(self) -> float:
        """Of the sum, from its variation over units."""
        return standard_error(self.elpd)

    @property
    def sentence(self) -> str:
        """The result in words."""
        text = f"Leave-one-out: {self.total:.1f} nats (standard error {self.standard_error:.1f})."
        bad = int((~self.good).sum())
        if not bad:
            return text
        which = ", ".join(str(i + 1) for i in np.flatnonzero(~self.good)[:5])
        return f"{text} {bad} of {len(self.elpd)} cannot be relied on (the first: {which})."

    def __str__(self) -> str:
        return self.sentence

    def to_json(self) -> dict[str, Any]:
        """The sum, its error, and the values of all rows, as plain JSON."""
        return {
            "elpd": self.total,
            "standard_error": self.standard_error,
            "p_eff": float(self.p_eff.sum()),
            "unreliable_rows": (np.flatnonzero(~self.good) + 1).tolist(),
            "pointwise": listed(self.elpd),
            "sentence": self.sentence,
        }


def standard_error(pointwise: np.ndarray) -> float:
    """Standard error of a sum of n numbers: sqrt(n) times their standard deviation.

    Example:
        >>> round(standard_error(np.array([1.0, 3.0])), 6)
        2.0
    """
    n = len(pointwise)
    return float(np.sqrt(n) * np.std(pointwise, ddof=1)) if n > 1 else float("nan")


def leave_one_out(log_likelihood: np.ndarray, log_weights: np.ndarray | None = None) -> LeftOut:
    """Leave-one-out by importance weights.

    Args:
        log_likelihood: `[S, n]`, log p of each unit at each draw.
        log_weights: `[S]`, log weights of the draws themselves; none for equal ones.
    """
    log_likelihood = np.asarray(log_likelihood, float)
    own = np.zeros(len(log_likelihood)) if log_weights is None else np.asarray(log_weights, float)
    own = own - logsumexp(own)
    n = log_likelihood.shape[1]
    elpd, k_hat, together = np.empty(n), np.empty(n), np.empty(n)
    for start in range(0, n, TOGETHER):
        some = slice(start, start + TOGETHER)
        rows = log_likelihood[:, some].T
        smoothed = pareto_smoothed(own - rows)
        with np.errstate(divide="ignore"):
            terms = np.log(smoothed.weights) + rows
        elpd[some], together[some] = _log_sums(terms), _log_sums(rows + own)
        k_hat[some] = smoothed.k_hat
    return LeftOut(elpd, together - elpd, k_hat, k_hat <= HIGH_K)


def _log_sums(terms: np.ndarray) -> np.ndarray:
    """log of the sum of exponentials of each row: SciPy's function costs more than the smoothing of weights."""
    most = terms.max(axis=1)
    return most + np.log(np.exp(terms - most[:, None]).sum(axis=1))


def with_fallback(elpd: np.ndarray, good: np.ndarray, drawn: LeftOut) -> LeftOut:
    """Values known by other means where they are good, and those of draws elsewhere.

    Args:
        elpd: `[n]`, the values known.
        good: `[n]`, whether each can be relied on.
        drawn: the same from draws.
    """
    known = np.asarray(good, bool)
    both = np.where(known, elpd, np.where(drawn.good, drawn.elpd, elpd))
    p_eff = drawn.elpd + drawn.p_eff - both
    return LeftOut(both, p_eff, np.where(known, np.nan, drawn.k_hat), known | drawn.good)
