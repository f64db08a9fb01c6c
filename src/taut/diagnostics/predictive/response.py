"""Coefficients on the scale of the response: ratios, where the link makes them so."""

from dataclasses import dataclass

import numpy as np

RATIOS = {"log": "ratio", "logit": "odds ratio"}
"""What exp(coefficient) is, by the link."""


@dataclass(frozen=True)
class Ratios:
    """exp(coefficient).

    Attributes:
        name: what the numbers are, such as "odds ratio".
        median, lower, upper: `[k]`.
    """

    name: str
    median: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


def ratios(link: str, coefficients: np.ndarray, level: float = 0.95) -> Ratios | None:
    """Ratios with their intervals; none where a coefficient is a difference.

    Args:
        link: the likelihood's.
        coefficients: draws, `[S, k]`.
        level: of the interval.

    Example:
        >>> ratios("log", np.zeros((4, 1))).median
        array([1.])
    """
    if link not in RATIOS:
        return None
    lower, median, upper = np.exp(np.quantile(coefficients, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0))
    return Ratios(RATIOS[link], median, lower, upper)
