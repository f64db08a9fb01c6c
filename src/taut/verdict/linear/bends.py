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
from jaxtyping import Bool, Float, Int
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import log_ndtr

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.families.bent import KNOTS, BentCoordinates, monotone
from taut.families.full_rank import FullRank
from taut.verdict.linear.seen import Seen

SKEWED, TAILED = 0.05, 0.1
"""Third and fourth cumulant of a coordinate from which it is bent."""
FARTHEST = 12.0
GRID = FARTHEST * np.sinh(np.linspace(-2, 2, 41)) / np.sinh(2)
"""Values of z_k at which its density is computed at first, close together near 0."""
STEEP, BULK, ENDED = 3.0, 8.0, 18.0
"""Nats by which a log density may fall from one point to the next where it is within so many nats of its maximum, and
by which it must have fallen at the ends: a normal one falls by 2 at most, and by 72."""
ROUNDS = 3
"""How often points move to where the mass is."""
EXTENDED = (1.25, 1.6, 2.0)
"""Further points beyond the ends, as multiples of these, in every round."""
CLOSEST = 1e-9
"""Least distance of two points."""
BETWEEN = 24
"""Pieces of an interval between points in which mass is summed."""
MOST_ABOVE = 5.0
"""Nats above the largest value seen that an interpolated log density may have."""
HARDLY = 0.1
"""Weight of a coordinate in a predictor up to which four derivatives say what the row tells of it."""
SERIES = 5.0
"""Sds up to which third and fourth derivatives are used."""
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
    third = _cumulants(seen, seen.X @ (q.factor @ q.factor.T) / q.sd)[0]
    seen = seen.reordered(np.argsort(-np.abs(third), kind="stable"))
    skewed = _skewed(seen)
    if not skewed.any():
        return None
    seen = seen.reordered(np.argsort(~skewed, kind="stable"))
    values, slopes, sharp = _maps(seen, np.arange(skewed.sum()))
    if sharp.any():
        seen, values, slopes = _beside(seen, np.flatnonzero(sharp))
    return BentCoordinates(FullRank.of(seen.mean, seen.lower), seen.order, values, monotone(values, slopes))


def _beside(seen: Seen, sharp: Int[np.ndarray, " S"]) -> tuple[Seen, np.ndarray, np.ndarray]:
    """The coordinates at the places `sharp` first, and the others bent beside them.

    The density of those is so far from normal that rows which lean on them look otherwise to the others.
    """
    seen, count = seen.reordered(np.concatenate([sharp, np.delete(np.arange(seen.dim), sharp)])), len(sharp)
    values, slopes, _ = _maps(seen, np.arange(count))
    beside = seen.beside(values)
    skewed = _skewed(beside)[count:]
    rest = np.arange(count, seen.dim)
    places = np.concatenate([np.arange(count), rest[skewed], rest[~skewed]])
    more = _maps(beside.reordered(places), count + np.arange(skewed.sum()))
    return seen.reordered(places), np.concatenate([values, more[0]]), np.concatenate([slopes, more[1]])


def _skewed(seen: Seen) -> Bool[np.ndarray, " D"]:
    """Which coordinates are to be bent."""
    third, fourth = _cumulants(seen, seen.weights)
    return (np.abs(third) > SKEWED) | (np.abs(fourth) > TAILED)


def _cumulants(seen: Seen, along: Float[np.ndarray, "n K"]) -> tuple[np.ndarray, np.ndarray]:
    """E of the third and fourth derivative of log p along directions that move the predictors by `along`."""
    third, fourth = seen.derivatives[3:]
    return third @ along**3, fourth @ along**4


def _log_densities(
    seen: Seen, which: Int[np.ndarray, " B"], points: Float[np.ndarray, "B G"]
) -> Float[np.ndarray, "B G"]:
    """log q_k of some coordinates at points of each, up to constants."""
    a, columns = seen.weights[:, which], seen.lower[:, which]
    size = np.abs(a)
    most = int(min(MOST_PAIRS, size.size))
    near = size > max(HARDLY, np.partition(size, -most, axis=None)[-most])
    far = np.where(near, 0.0, a)
    # The expectations are over z_k as well; its own variance is taken out again by Hermite polynomials.
    # A series of four terms goes astray far out, where without the last two it goes on as a normal density.
    z, c = points, np.clip(points, -SERIES, SERIES)
    polynomials = (z, z**2 - 1, (c**3 - 3 * c) / 2, (c**4 - 6 * c**2 + 3) / 6)
    prior = (seen.prior_precision * (seen.prior_mean - seen.mean)) @ columns
    total = prior[:, None] * z - 0.5 * (seen.prior_precision @ columns**2)[:, None] * z**2
    for k, (derivative, polynomial) in enumerate(zip(seen.derivatives[1:], polynomials, strict=True), start=1):
        total += (derivative @ far**k)[:, None] * polynomial / k
    row, k = np.nonzero(near)
    if not len(row):
        return total
    weight = a[row, k][:, None]
    at = seen.m[row][:, None] + weight * points[k]
    left = np.broadcast_to(seen.v[row][:, None] - weight**2, at.shape)
    rows = np.broadcast_to(row[:, None], at.shape)
    np.add.at(total, k, seen.expected(at.ravel(), left.ravel(), rows.ravel()).reshape(at.shape))
    return total


def _maps(seen: Seen, which: Int[np.ndarray, " B"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The maps F^-1(Phi(z)) of some coordinates by their values and slopes at the knots, and which of them are sharp.

    A rare dummy of which every row says yes has half a normal density: a wall on one side, and on the other a tail that
    is far longer than q's. Where the grid misses such a thing its points move to where the mass is.
    """
    values, slopes = np.zeros((2, len(which), len(KNOTS)))
    points = np.tile(GRID, (len(which), 1))
    logs = _log_densities(seen, which, points) if len(which) else points
    for k, (z, log) in enumerate(zip(points, logs, strict=True)):
        values[k], slopes[k] = _map(z, log, CubicSpline)
    sharp = np.array([_missed(z, log) for z, log in zip(points, logs, strict=True)], bool)
    points, logs, at = points[sharp], logs[sharp], np.flatnonzero(sharp)
    for _ in range(ROUNDS if len(at) else 0):
        ends = points[:, [0, -1]]
        more = np.concatenate([values[at], *(ends * factor for factor in EXTENDED)], axis=1)
        points = np.concatenate([points, more], axis=1)
        logs = np.concatenate([logs, _log_densities(seen, which[at], more)], axis=1)
        order = np.argsort(points, axis=1)
        points, logs = np.take_along_axis(points, order, 1), np.take_along_axis(logs, order, 1)
        for k, z, log in zip(at, points, logs, strict=True):
            fresh = np.append(True, np.diff(z) > CLOSEST)
            values[k], slopes[k] = _map(z[fresh], log[fresh], PchipInterpolator)
    return values, slopes, sharp


def _missed(z: Float[np.ndarray, " G"], log: Float[np.ndarray, " G"]) -> bool:
    """Whether a log density falls too steeply between points where it is high, or is still high at an end."""
    below = log.max() - log
    steep = np.abs(np.diff(log))[np.minimum(below[1:], below[:-1]) < BULK]
    return bool(np.any(steep > STEEP) or min(below[0], below[-1]) < ENDED)


def _map(z: Float[np.ndarray, " G"], log: Float[np.ndarray, " G"], interpolant: Any) -> tuple[np.ndarray, np.ndarray]:
    """Values of F^-1(Phi) at the knots and its slopes there, of a log density at points, up to a constant."""
    curve = interpolant(z, log - log.max())
    fine = np.append((z[:-1, None] + np.diff(z)[:, None] * np.arange(BETWEEN) / BETWEEN).ravel(), z[-1])
    density = np.exp(np.minimum(curve(fine), MOST_ABOVE))
    pieces = 0.5 * (density[1:] + density[:-1]) * np.diff(fine)
    whole = pieces.sum()
    values = _quantiles(fine, pieces / whole)
    at = np.exp(np.minimum(curve(values), MOST_ABOVE)) / whole
    slopes = np.exp(-0.5 * KNOTS**2) / np.sqrt(2 * np.pi) / np.maximum(at, np.finfo(float).tiny)
    return values, slopes


def _quantiles(fine: Float[np.ndarray, " F"], pieces: Float[np.ndarray, " F-1"]) -> Float[np.ndarray, " knots"]:
    """The values that a distribution reaches with the probabilities of the knots, from its mass between points.

    The probabilities below and above are both kept as logarithms, so that neither tail is lost to rounding.
    """
    with np.errstate(divide="ignore"):
        below = np.log(np.append(0.0, np.cumsum(pieces)))
        above = np.log(np.append(np.cumsum(pieces[::-1])[::-1], 0.0))
    lower, upper = np.isfinite(below), np.isfinite(above)
    left = np.interp(log_ndtr(KNOTS), below[lower], fine[lower])
    right = np.interp(-log_ndtr(-KNOTS), -above[upper], fine[upper])
    return np.where(KNOTS < 0, left, right)
