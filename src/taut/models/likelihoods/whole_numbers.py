"""Quantiles of distributions over whole numbers, from their distribution functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

FAR = 2.0**60
"""Beyond it there is no number to look for: the answer is infinite."""


def smallest(cdf: Callable[[np.ndarray], np.ndarray], p: Any, most: Any = np.inf) -> np.ndarray:
    """The smallest whole number k from 0 to `most` with cdf(k) >= p, elementwise.

    Args:
        cdf: P(Y <= k).
        p: Probabilities; infinity answers 1 where there is no largest number.
        most: The largest number.

    Example:
        >>> smallest(lambda k: 1 - 0.5 ** (k + 1), np.array([0.3, 0.5, 0.6, 0.99])).tolist()
        [0.0, 0.0, 1.0, 6.0]
    """
    p = np.asarray(p, float)
    shape = np.broadcast_shapes(p.shape, np.shape(most), np.shape(cdf(np.zeros(p.shape))))
    low, high = np.full(shape, -1.0), np.zeros(shape)  # cdf(low) < p <= cdf(high), once the second is so
    while np.any(short := (cdf(high) < p) & (high < most) & (high < FAR)):
        low, high = np.where(short, high, low), np.where(short, np.minimum(2 * high + 1, most), high)
    beyond = (cdf(high) < p) & (high < most)
    # Above 2^53 neighbouring floating-point numbers are more than 1 apart, with none between them.
    while np.any(between := ((middle := np.floor(0.5 * (low + high))) > low) & (middle < high)):
        enough = cdf(middle) >= p
        low, high = np.where(between & ~enough, middle, low), np.where(between & enough, middle, high)
    return np.where(beyond | ((p >= 1) & ~np.isfinite(most)), np.inf, high)
