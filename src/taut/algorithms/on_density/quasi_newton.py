r"""L-BFGS from many points at once, each at its own pace.

The direction is the two-loop recursion on the last `MEMORY` pairs s = x' - x, y = g - g' (of -log p, so that y's > 0
where it is convex); a trial x + t p is accepted if log p rises by Armijo's share of what its slope promises, otherwise
t shrinks. One call of the density serves the trials of all starts, whatever each of them is at: libraries' versions
either run one start or compile their own copy of the model, which on small problems is nearly all of the time.

Source: J. Nocedal, Updating Quasi-Newton Matrices with Limited Storage, 1980.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from taut.models.density import Density

MEMORY = 10
ARMIJO = 1e-4
TOLERANCE = 1e-4
"""Nats that the next step promises, below which a climb has arrived."""
CONFIRMATIONS = 2
SHORTEST = 1e-12


class Climbs(NamedTuple):
    """Where the climbs ended.

    Attributes:
        ends: `[B, D]`.
        values: `[B]`, log p there; -inf for a start outside the support.
        gradients: `[B, D]`.
        arrived: `[B]`, whether nothing was left to gain.
        paths: of each climb its accepted points, `[T_b, D]`, the start first.
    """

    ends: Float[np.ndarray, "B D"]
    values: Float[np.ndarray, " B"]
    gradients: Float[np.ndarray, "B D"]
    arrived: Bool[np.ndarray, " B"]
    paths: list[Float[np.ndarray, "T D"]]


def climb(density: Density, starts: Float[np.ndarray, "B D"], most: int = 300) -> Climbs:
    """Maximise log p from each start.

    Args:
        density: log p.
        starts: where to begin.
        most: trials for each.
    """
    B, D = starts.shape
    x = np.array(starts, float)
    seen = density(x)
    f, g = seen.value, seen.gradient
    S, Y = np.zeros((2, MEMORY, B, D))
    curvature = np.zeros((MEMORY, B))  # s'y of each pair, 0 where there is none
    paths = [[x[b].copy()] for b in range(B)]
    # Nothing is known of the scale yet: the first trial is of length 1 at most.
    p = g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1.0)
    t, arrived = np.ones(B), np.isfinite(f) & ~g.any(1)
    over, confirmed = arrived | ~np.isfinite(f), np.zeros(B, int)

    for _ in range(most):
        live = np.flatnonzero(~over)
        if live.size == 0:
            break
        trial = x[live] + t[live, None] * p[live]
        seen = density(trial)
        slope = np.einsum("bd,bd->b", g[live], p[live])
        better = seen.value >= f[live] + ARMIJO * t[live] * slope
        flat = slope * t[live] < 1e-13 * np.abs(f[live])  # a rise that rounding hides
        ok = better | (flat & (seen.value >= f[live] - 1e-13 * np.abs(f[live])))

        up = live[ok]
        s, y = trial[ok] - x[up], g[up] - seen.gradient[ok]
        sy, yy = np.einsum("bd,bd->b", s, y), np.einsum("bd,bd->b", y, y)
        keep = sy > 1e-10 * yy
        kept = up[keep]
        for stack, new in ((S, s), (Y, y)):
            stack[1:, kept] = stack[:-1, kept]
            stack[0, kept] = new[keep]
        curvature[1:, kept] = curvature[:-1, kept]
        curvature[0, kept] = sy[keep]
        x[up], f[up], g[up] = trial[ok], seen.value[ok], seen.gradient[ok]
        for b in up:
            paths[b].append(x[b].copy())
        p[up] = _direction(g[up], S[:, up], Y[:, up], curvature[:, up])
        t[up] = np.where(curvature[0, up] > 0, 1.0, 2 * t[up])
        promise = 0.5 * np.einsum("bd,bd->b", g[up], p[up])
        # Few pairs know the scale of few directions: a small promise counts once the next steps confirm it.
        small = (promise < TOLERANCE) & (curvature[0, up] > 0)
        confirmed[up] = np.where(small, confirmed[up] + 1, 0)
        arrived[up] = confirmed[up] > CONFIRMATIONS

        # The parabola through value and slope says where the rise was largest; outside the support only that t is long.
        down = live[~ok]
        lost = f[down] - seen.value[~ok] + t[down] * slope[~ok]
        with np.errstate(invalid="ignore", divide="ignore"):
            best = 0.5 * slope[~ok] * t[down] ** 2 / lost
        t[down] = np.where(np.isfinite(best), np.clip(best, 0.1 * t[down], 0.5 * t[down]), 0.1 * t[down])
        over = over | arrived | (t < SHORTEST)
    return Climbs(x, f, g, arrived, [np.array(path) for path in paths])


def _direction(g, S, Y, curvature):
    """H g by the two-loop recursion, H the inverse of the curvature of -log p; uphill."""
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
