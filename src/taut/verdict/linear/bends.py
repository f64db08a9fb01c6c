r"""One-dimensional bends of a Gaussian, coordinate by coordinate: no sampling, and hardly dearer than a step of Newton.

The coefficient of a rare dummy has a skewed posterior that hangs on a few rows and hardly on the other coefficients. In
the coordinates z of q, of which such coefficients come first, the best factor of z_k beside the others as q has them is

    log q_k(z) = sum_i E log p(y_i given eta_i) + log prior + constant,  eta_i ~ N(m_i + a_ik z, v_i - a_ik^2),

which one pass over the rows gives on a grid: rows that hardly see z_k by their Taylor series, the others exactly. Only
one pass is made. Beside bent coordinates the predictors are no longer Gaussian, and a second pass that took them for
Gaussian with new moments moved means by up to a standard deviation.

Sources: M. Jordan, Z. Ghahramani, T. Jaakkola and L. Saul, An Introduction to Variational Methods for Graphical
Models, 1999 (the best factor beside fixed others); S. Chen and others, Rotated Mean-Field Variational Inference, 2025.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.special import log_ndtr

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.families.full_rank import FullRank
from taut.verdict.linear.family import KNOTS, BentCoordinates, monotone
from taut.verdict.linear.seen import Seen

SKEWED, TAILED = 0.05, 0.1
"""Third and fourth cumulant of a coordinate from which it is bent."""
GRID = 12 * np.sinh(np.linspace(-2, 2, 41)) / np.sinh(2)
"""Values of z_k at which its density is computed, close together near 0."""
FINE = np.linspace(-12, 12, 1601)
"""Values at which its distribution function is."""
HARDLY = 0.1
"""Weight of a coordinate in a predictor up to which four derivatives say what the row tells of it."""
MOST_PAIRS = 3e5
"""Largest number of rows times coordinates that are computed exactly; weaker pairs go by their derivatives."""


def bend(model: Any, batch: Batch, q: Gaussian) -> BentCoordinates | None:
    """The bent Gaussian; None where no coordinate needs it.

    Args:
        model: A regression that `seen.serves`.
        batch: All rows.
        q: The best Gaussian.
    """
    seen = Seen.of(model, batch, q)
    order = np.argsort(-np.abs(_cumulants(seen, seen.X @ (q.factor @ q.factor.T) / q.sd)[0]), kind="stable")
    seen = Seen.of(model, batch, q, order)
    third, fourth = _cumulants(seen, seen.weights)
    skewed = (np.abs(third) > SKEWED) | (np.abs(fourth) > TAILED)
    if not skewed.any():
        return None
    seen = Seen.of(model, batch, q, np.concatenate([order[skewed], order[~skewed]]))
    values, slopes = _maps(_log_densities(seen, int(skewed.sum())))
    return BentCoordinates(FullRank.of(seen.mean, seen.lower), seen.order, values, slopes)


def _cumulants(seen: Seen, along: Float[np.ndarray, "n K"]) -> tuple[np.ndarray, np.ndarray]:
    """E of the third and fourth derivative of log p along directions that move the predictors by `along`."""
    third, fourth = seen.derivatives()[3:]
    return third @ along**3, fourth @ along**4


def _log_densities(seen: Seen, count: int) -> Float[np.ndarray, "B G"]:
    """log q_k of the first `count` coordinates on the grid, up to constants."""
    m, v = seen.moments()
    a, columns = seen.weights[:, :count], seen.lower[:, :count]
    size = np.abs(a)
    most = int(min(MOST_PAIRS, size.size))
    near = size > max(HARDLY, np.partition(size, -most, axis=None)[-most])
    far = np.where(near, 0.0, a)
    # The expectations are over z_k as well; its own variance is taken out again by Hermite polynomials.
    polynomials = (GRID, GRID**2 - 1, (GRID**3 - 3 * GRID) / 2, (GRID**4 - 6 * GRID**2 + 3) / 6)
    prior = (seen.prior_precision * (seen.prior_mean - seen.mean)) @ columns
    total = prior[:, None] * GRID - 0.5 * (seen.prior_precision @ columns**2)[:, None] * GRID**2
    for k, (derivative, polynomial) in enumerate(zip(seen.derivatives()[1:], polynomials, strict=True), start=1):
        total += (derivative @ far**k)[:, None] * polynomial / k
    row, k = np.nonzero(near)
    if not len(row):
        return total
    weight = a[row, k][:, None]
    at = m[row][:, None] + weight * GRID
    left = np.broadcast_to(v[row][:, None] - weight**2, at.shape)
    rows = np.broadcast_to(row[:, None], at.shape)
    np.add.at(total, k, seen.expected(at.ravel(), left.ravel(), rows.ravel()).reshape(at.shape))
    return total


def _maps(log_density: Float[np.ndarray, "B G"]) -> tuple[np.ndarray, np.ndarray]:
    """The maps F^-1(Phi(z)) of these densities, by their values and slopes at the knots, `[B, knots]` each."""
    fine = CubicSpline(GRID, log_density - log_density.max(1, keepdims=True), axis=1)(FINE)
    mass = np.exp(fine - fine.max(1, keepdims=True))
    mass /= mass.sum(1, keepdims=True)
    values = np.array([_quantiles(each) for each in mass])
    density = np.array([np.interp(v, FINE, each) for v, each in zip(values, mass, strict=True)]) / (FINE[1] - FINE[0])
    slopes = np.exp(-0.5 * KNOTS**2) / np.sqrt(2 * np.pi) / np.maximum(density, np.finfo(float).tiny)
    return values, monotone(values, slopes)


def _quantiles(mass: Float[np.ndarray, " F"]) -> Float[np.ndarray, " knots"]:
    """The values that a distribution over `FINE` reaches with the probabilities of the knots.

    The probabilities below and above are both kept as logarithms, so that neither tail is lost to rounding.
    """
    with np.errstate(divide="ignore"):
        below = np.log(np.cumsum(mass) - 0.5 * mass)
        above = np.log(np.cumsum(mass[::-1])[::-1] - 0.5 * mass)
    lower, upper = np.isfinite(below), np.isfinite(above)
    left = np.interp(log_ndtr(KNOTS), below[lower], FINE[lower])
    right = np.interp(-log_ndtr(-KNOTS), -above[upper], FINE[upper])
    return np.where(KNOTS < 0, left, right)
