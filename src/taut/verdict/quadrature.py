r"""One unknown: its whole distribution, by quadrature on a line of values, as a bend of the Gaussian.

With y the distance from the mean of q in its sds, values of log p at y = sinh s, s on an even grid, give the
distribution function F, log p being taken as straight between two of them. The map
z -> F^{-1}(Phi(z)) then makes the posterior of a standard normal z: no optimum has to be looked for.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

from taut.algorithms.on_density.gaussians import Gaussian
from taut.families.bent import KNOTS, BentCoordinates, monotone
from taut.families.full_rank import FullRank
from taut.models.density import Density

REACH, POINTS = 8.0, 801
"""Largest s (1,500 sds from the mean), and number of values of log p."""


def by_quadrature(density: Density, q: Gaussian) -> BentCoordinates | None:
    """The posterior of one unknown, as `q` bent; None where it has no mass around `q`.

    Args:
        density: log p, of one coordinate.
        q: The best Gaussian.
    """
    s = np.linspace(-REACH, REACH, POINTS)
    y = np.sinh(s)
    found = density.values(q.mean + q.sd * y[:, None])[0]
    if not np.isfinite(found).any():
        return None
    log_mass = found + np.log(np.cosh(s))
    mass = np.exp(log_mass - log_mass.max())
    values = np.sinh(_quantiles(s, mass))
    with np.errstate(divide="ignore"):
        log_density = np.interp(
            values, y, np.maximum(found - np.log(mass.sum() * (s[1] - s[0])) - log_mass.max(), -700)
        )
    slopes = np.exp(-0.5 * KNOTS**2 - 0.5 * np.log(2 * np.pi) - log_density)
    frame = FullRank.of(q.mean, np.diag(q.sd))
    return BentCoordinates(frame, np.arange(1), values[None], monotone(values[None], slopes[None]))


def _quantiles(s: Float[np.ndarray, " P"], mass: Float[np.ndarray, " P"]) -> Float[np.ndarray, " knots"]:
    """The s below which the mass is Phi(knot); each tail from its own end, so that none is lost to rounding."""
    # The logarithm of the mass is straight within a cell, which a tail that falls quickly needs.
    with np.errstate(divide="ignore", invalid="ignore"):
        steepness = np.log(mass[1:] / mass[:-1])
        cells = (mass[1:] - mass[:-1]) / steepness
    cells = np.where(np.isfinite(cells) & (np.abs(steepness) > 1e-3), cells, 0.5 * (mass[1:] + mass[:-1]))
    below, above = np.cumsum(cells), np.cumsum(cells[::-1])
    with np.errstate(divide="ignore"):
        left, right = (np.log(np.concatenate([[0.0], side])) - np.log(side[-1]) for side in (below, above))
    low, high = np.isfinite(left), np.isfinite(right)
    lower = np.interp(log_ndtr(KNOTS), left[low], s[low])
    upper = np.interp(log_ndtr(-KNOTS), right[high], s[::-1][high])
    return np.where(KNOTS < 0, lower, upper)
