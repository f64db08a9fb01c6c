"""Quantiles of distributions over whole numbers, from their distribution functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

FAR = 2.0**60
"""Beyond it there is no number to look for."""


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
    while np.any(high - low > 1):
        middle = np.floor(0.5 * (low + high))
        enough = cdf(middle) >= p
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where((p >= 1) & ~np.isfinite(most), np.inf, high)
