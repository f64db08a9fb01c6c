r"""L-BFGS from many points at once.

The direction is the two-loop recursion on the last `MEMORY` pairs s = x' - x, y = g - g' (of -log p, so that y's > 0
where it is convex); a trial x + t p is accepted if log p rises by Armijo's share of what its slope promises, otherwise
t shrinks. One call of the density serves the trials of all starts, however far each of them is. Libraries' versions
either run one start or compile their own copy of the model, which on small problems is nearly all of the time.

Source: J. Nocedal, Updating Quasi-Newton Matrices with Limited Storage, 1980.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from taut.models.density import Density

MEMORY = 10
"""Number of pairs (s, y) that are kept."""
ARMIJO = 1e-4
"""Share of the promised rise that a step must bring."""
TOLERANCE = 1e-4
"""Nats promised by the next step below which an ascent may have arrived."""
CONFIRMATIONS = 2
"""Number of further steps that must promise as little before an ascent has arrived."""
SHORTEST = 1e-12
"""Length of a step below which an ascent has stalled."""
ROUNDING = 1e-13
"""Share of log p below which rounding hides a rise."""


class Ascents(NamedTuple):
    """Where the ascents from several starts ended.

    Attributes:
        ends: `[B, D]`, the last points.
        values: `[B]`, log p at the ends; -inf for a start outside the support.
        gradients: `[B, D]`, gradients of log p at the ends.
        arrived: `[B]`, whether nothing was left to gain.
        paths: The accepted points of each ascent, `[T_b, D]`, the start first.
    """

    ends: Float[np.ndarray, "B D"]
    values: Float[np.ndarray, " B"]
    gradients: Float[np.ndarray, "B D"]
    arrived: Bool[np.ndarray, " B"]
    paths: list[Float[np.ndarray, "T D"]]


def maximise(density: Density, starts: Float[np.ndarray, "B D"], most: int = 300) -> Ascents:
    """Maximise log p from each start.

    Args:
        density: log p.
        starts: The points to begin from.
        most: Largest number of trials for each start.
    """
    x = np.array(starts, float)
    values = density(x)
    f, g = values.value, values.gradient
    pairs = _Pairs(*x.shape)
    paths = [[point.copy()] for point in x]
    # Nothing is known of the scale yet: the first trial is of length 1 at most.
    p = g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1.0)
    t, arrived = np.ones(len(x)), np.isfinite(f) & ~g.any(1)
    over, confirmed = arrived | ~np.isfinite(f), np.zeros(len(x), int)

    for _ in range(most):
        live = np.flatnonzero(~over)
        if live.size == 0:
            break
        trial = x[live] + t[live, None] * p[live]
        values = density(trial)
        slope = np.einsum("bd,bd->b", g[live], p[live])
        better = values.value >= f[live] + ARMIJO * t[live] * slope
        flat = slope * t[live] < ROUNDING * np.abs(f[live])
        ok = better | (flat & (values.value >= f[live] - ROUNDING * np.abs(f[live])))

        up = live[ok]
        pairs.add(up, trial[ok] - x[up], g[up] - values.gradient[ok])
        x[up], f[up], g[up] = trial[ok], values.value[ok], values.gradient[ok]
        for b in up:
            paths[b].append(x[b].copy())
        p[up] = pairs.direction(up, g[up])
        t[up] = np.where(pairs.known(up), 1.0, 2 * t[up])
        promise = 0.5 * np.einsum("bd,bd->b", g[up], p[up])
        # Few pairs know the scale of few directions: a small promise counts once the next steps confirm it.
        confirmed[up] = np.where((promise < TOLERANCE) & pairs.known(up), confirmed[up] + 1, 0)
        arrived[up] = confirmed[up] > CONFIRMATIONS

        down = live[~ok]
        lost = f[down] - values.value[~ok] + t[down] * slope[~ok]
        t[down] = _shortened(t[down], slope[~ok], lost)
        over = over | arrived | (t < SHORTEST)
    return Ascents(x, f, g, arrived, [np.array(path) for path in paths])


def _shortened(t: np.ndarray, slope: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """The next lengths after steps of length t that were refused, at the top of the parabola through value and slope.

    Outside the support there is no parabola, and the step is cut to a tenth.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        best = 0.5 * slope * t**2 / lost
    return np.where(np.isfinite(best), np.clip(best, 0.1 * t, 0.5 * t), 0.1 * t)


class _Pairs:
    """The last pairs s = x' - x and y = g - g' of each ascent, newest first.

    Args:
        B: Number of ascents.
        D: Number of coordinates.
    """

    def __init__(self, B: int, D: int):
        self.S, self.Y = np.zeros((2, MEMORY, B, D))
        self.curvature = np.zeros((MEMORY, B))  # s'y of each pair, 0 where there is none

    def known(self, places: np.ndarray) -> np.ndarray:
        """Whether the ascents at `places` have a pair."""
        return self.curvature[0, places] > 0

    def add(self, places: np.ndarray, s: np.ndarray, y: np.ndarray) -> None:
        """Keep a pair for each of `places`, where log p is convex enough along it."""
        sy, yy = np.einsum("bd,bd->b", s, y), np.einsum("bd,bd->b", y, y)
        keep = sy > 1e-10 * yy
        kept = places[keep]
        for stack, new in ((self.S, s), (self.Y, y), (self.curvature, sy)):
            stack[1:, kept] = stack[:-1, kept]
            stack[0, kept] = new[keep]

    def direction(self, places: np.ndarray, g: np.ndarray) -> np.ndarray:
        """H g by the two-loop recursion, H the inverse of the curvature of -log p; uphill."""
        return _direction(g, self.S[:, places], self.Y[:, places], self.curvature[:, places])


def _direction(g, S, Y, curvature):
    """H g by the two-loop recursion."""
    q, alphas = g.copy(), []
    inverse = np.where(curvature > 0, 1 / np.where(curvature > 0, curvature, 1.0), 0.0)
    for s, y, r in zip(S, Y, inverse, strict=True):
        alpha = r * np.einsum("bd,bd->b", s, q)
        q -= alpha[:, None] * y
        alphas.append(alpha)
    yy = np.einsum("bd,bd->b", Y[0], Y[0])
    scale = np.where(curvature[0] > 0, curvature[0] / np.where(yy > 0, yy, 1.0), 1.0)
    first = (curvature[0] == 0)[:, None]
    q = np.where(first, q / np.maximum(np.linalg.norm(q, axis=1, keepdims=True), 1.0), scale[:, None] * q)
    for s, y, r, alpha in reversed(list(zip(S, Y, inverse, alphas, strict=True))):
        beta = r * np.einsum("bd,bd->b", y, q)
        q += (alpha - beta)[:, None] * s
    return q
