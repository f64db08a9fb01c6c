"""What one posterior predictive check has found."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import bdtrc


@dataclass(frozen=True)
class Check:
    """One check: arrays to draw, and a sentence.

    Attributes:
        kind: "bars", "calibration", "quantiles", "residuals" or "statistics".
        at: `[k]`, what each entry is of: values, bins, probabilities, names.
        observed: `[k]`, of the data.
        expected, lower, upper: `[k]`, mean and 90 % band of replicated data.
        sentence: the result in words.
        more: further arrays.
    """

    kind: str
    at: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    sentence: str
    more: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def outside(self) -> np.ndarray:
        """`[k]`, whether the observed is outside the band."""
        slack = 1e-9 * np.maximum(1.0, np.abs(self.observed))
        return (self.observed < self.lower - slack) | (self.observed > self.upper + slack)

    def to_json(self) -> dict[str, Any]:
        """Arrays and sentence as plain JSON; null stands for a number that is not finite."""
        arrays = {name: getattr(self, name) for name in ("at", "observed", "expected", "lower", "upper")}
        return {"kind": self.kind, "sentence": self.sentence, **{name: listed(x) for name, x in arrays.items()}}


def listed(values: np.ndarray) -> list[Any]:
    """An array as a list for JSON.

    Example:
        >>> listed(np.array([1.0, np.inf]))
        [1.0, None]
    """
    values = np.asarray(values)
    if values.dtype.kind not in "fc":
        return values.tolist()
    return [x if np.isfinite(x) else None for x in values.tolist()]


LEVEL = 0.9


def band(replicated: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, lower and upper end of the 90 % band of `[S, k]`."""
    lower, upper = np.nanquantile(replicated, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return np.nanmean(replicated, axis=0), lower, upper


def many_outside(outside: np.ndarray) -> bool:
    """Whether more entries are outside than chance puts there once in a hundred times, were they independent."""
    k = int(np.sum(outside))
    return k > 0 and bool(bdtrc(k - 1, len(outside), 1 - LEVEL) < 0.01)
