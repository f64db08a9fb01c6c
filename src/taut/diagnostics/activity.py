"""Which latent units the model uses: those whose posterior mean moves with the image."""

from typing import NamedTuple

import numpy as np

THRESHOLD = 0.01
"""Variance above which a unit is called active, as published."""
CURVE = tuple(float(f"{t:.1e}") for t in np.logspace(-4, 0, 9))


class Activity(NamedTuple):
    r"""Active units: \(A_j = \mathrm{Var}_x(E_q[z_j|x]) > 0.01\).

    The number is as good as the threshold is harmless: `curve` shows that it would be the same for others.

    Attributes:
        active: Number of active units.
        units: Number of units, D.
        threshold: Variance above which a unit is active.
        variances: `[D]`, variance over images of each unit's posterior mean.
        curve: pairs (threshold, units above it), from 1e-4 to 1.
    """

    active: int
    units: int
    threshold: float
    variances: tuple[float, ...]
    curve: tuple[tuple[float, int], ...]


def activity(means: np.ndarray, threshold: float = THRESHOLD) -> Activity:
    """Count the active units.

    Args:
        means: `[n, D]`, posterior means of n images.
        threshold: Variance over images above which a unit is active.

    Example:
        >>> activity(np.array([[0.0, 1.0], [0.0, -1.0]])).active
        1

    Source: Y. Burda, R. Grosse, R. Salakhutdinov, Importance Weighted Autoencoders, 2016.
    """
    variances = np.var(np.asarray(means, float), axis=0, ddof=1)

    def above(t):
        return int(np.sum(variances > t))

    curve = tuple((t, above(t)) for t in CURVE)
    return Activity(above(threshold), len(variances), threshold, tuple(variances.tolist()), curve)
