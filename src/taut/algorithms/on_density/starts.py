r"""Where to begin: at the ends of many ascents, with the curvature there and the width of the best ELBO.

A mode with its curvature, N(mode, c^2 H^{-1}), is a good start for c = 1 where the posterior is nearly Gaussian, and
may be millions of nats low where it is not. So a few widths c are tried, and the best by its ELBO is kept. In a centred
hierarchy the density rises without bound as a group's sd falls to zero, and the ascent ends in that spike. There the
points *along* the path are better starts than its end.

Source: L. Zhang, B. Carpenter, A. Gelman, A. Vehtari, Pathfinder: Parallel Quasi-Newton Variational Inference, 2022
(candidates along the path, picked by their ELBO).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.quasi_newton import Ascents
from taut.models.density import Density

SCALES = (1.0, 0.5, 0.25, 0.1, 0.03)
"""Widths c that are tried."""
DRAWS = 32
"""Number of draws on which candidates are compared; the draws are the same for all."""
SAME_MODE = 0.3
"""Sds within which two ends are one mode (an ascent stops when its next step promises 1e-4 nats, some 0.01 sd)."""


class Candidate(NamedTuple):
    """A Gaussian to begin from.

    Attributes:
        gaussian: The Gaussian.
        elbo: Its ELBO on the common draws, in nats.
        ascents: Which ascents led to it.
    """

    gaussian: Gaussian
    elbo: float
    ascents: tuple[int, ...]


def curvatures(density: Density, points: Float[np.ndarray, "C D"]) -> Float[np.ndarray, "C D D"]:
    """-hess log p at each point, by central differences of the gradient on the scale of each coordinate's own sd."""
    first = _differences(density, points, np.cbrt(np.finfo(density.dtype).eps) * np.maximum(1.0, np.abs(points)))
    diagonal = np.abs(np.einsum("cii->ci", first))
    sd = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    if np.all((sd > 1e-2) & (sd < 1e2)):
        return first
    return _differences(density, points, 1e-3 * np.clip(sd, 1e-8, 1e8))


def _differences(density, points, steps):
    C, D = points.shape
    moves = steps[:, None, :] * np.eye(D)
    both = np.concatenate([points[:, None] + moves, points[:, None] - moves], axis=1)
    g = density(both.reshape(-1, D)).gradient.reshape(C, 2, D, D)
    H = -(g[:, 0] - g[:, 1]) / (2 * steps[:, :, None])
    return 0.5 * (H + H.swapaxes(1, 2))


def root_of_inverse(H: Float[np.ndarray, "D D"]) -> Float[np.ndarray, "D D"]:
    """L with L L' = |H|^{-1}: eigenvalues of the diagonally scaled matrix by size, none below 1e-10 of the largest."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(H)), 1e-300))
    scale = np.where(np.isfinite(scale) & (scale > 1e-150), scale, 1.0)
    w, v = np.linalg.eigh(np.nan_to_num(H / np.outer(scale, scale)))
    w = np.maximum(np.abs(w), 1e-10 * np.max(np.abs(w)) + 1e-300)
    return (v / np.sqrt(w)) @ v.T / scale[:, None]


def _best_width(density: Density, point, root, z) -> tuple[Gaussian, float]:
    """N(point, c^2 root root') with the best ELBO, and that; c from the widest on.

    Where log p is quadratic the ELBO of width c is log p(point) + H(c) - c^2 D / 2, and the narrower, the nearer to
    that. A width that already has what the next one promises ends the search: on a Gaussian target, the first.
    """
    here, (D, best) = float(density.values(point[None])[0][0]), (point.size, (Gaussian(point, root), -np.inf))
    for c, narrower in zip(SCALES, (*SCALES[1:], None), strict=True):
        q = Gaussian(point, c * root)
        elbo = float(density.values(q.at(z))[0].mean()) + q.entropy
        if elbo > best[1]:
            best = q, elbo
        if narrower is not None and elbo >= here + q.entropy + D * np.log(narrower / c) - 0.5 * D * narrower**2:
            break
    return best


def candidates(
    density: Density,
    points: Float[np.ndarray, "C D"],
    curvatures: Float[np.ndarray, "C D D"],
    sources: list[tuple[int, ...]],
    rng: np.random.Generator,
) -> list[Candidate]:
    """At each point the best width of the Gaussian with the curvature there; those with a finite ELBO, best first."""
    z = matched_draws(rng, DRAWS, density.dim)
    found = []
    for point, H, source in zip(points, curvatures, sources, strict=True):
        gaussian, elbo = _best_width(density, point, root_of_inverse(H), z)
        if np.isfinite(elbo):
            found.append(Candidate(gaussian, elbo, source))
    return sorted(found, key=lambda c: -c.elbo)


def modes(density: Density, ascents: Ascents, rng: np.random.Generator, most: int = 6) -> list[Candidate]:
    """A candidate at each distinct end of the ascents, of the highest `most`.

    An end is at the same mode as a higher one if it lies within `SAME_MODE` sd of it, by the curvature there.
    """
    left = [int(b) for b in np.argsort(-ascents.values) if np.isfinite(ascents.values[b])]
    points, roots, sources = [], [], []
    while left and len(points) < most:
        centre = ascents.ends[left[0]]
        H = curvatures(density, centre[None])[0]
        away = np.linalg.norm(np.linalg.solve(root_of_inverse(H), (ascents.ends[left] - centre).T), axis=0)
        here = tuple(b for b, distance in zip(left, away, strict=True) if distance < SAME_MODE)
        points, roots, sources = [*points, centre], [*roots, H], [*sources, here]
        left = [b for b in left if b not in here]
    return candidates(density, np.array(points), np.array(roots), sources, rng) if points else []


def along_paths(
    density: Density, ascents: Ascents, rng: np.random.Generator, most: int, each: int = 6
) -> list[Candidate]:
    """Of the first `most` ascents the best candidate among about `each` geometrically spaced points of its path."""
    best = []
    for b in np.flatnonzero(np.isfinite(ascents.values))[:most]:
        path = ascents.paths[b]
        points = path[np.unique(np.geomspace(1, len(path), each).astype(int) - 1)]
        best += candidates(density, points, curvatures(density, points), [(int(b),)] * len(points), rng)[:1]
    return sorted(best, key=lambda c: -c.elbo)
