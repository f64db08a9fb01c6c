"""Draws of t between the nodes, for quantiles and densities of single scales.

Around each node log p(t given y) is known to second order, by its value, its gradient and the curvature of the mode's
axes. In the coordinates z of those axes,

    l(z) = sum_c phi_c(z) [l_c + g_c'(z - z_c) - |z - z_c|^2 / 2],   phi_c(z) ~ exp(-|z - z_c|^2 / (2 s^2)),

is smooth and agrees with each node. Draws come from normals around the nodes and are resampled by their weights. Sums
over the nodes are more exact than l, which between distant nodes is a guess: the weights are tilted until means and
variances of all scales are those of the nodes.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp, ndtri

BLEND, WIDTH = 0.2, 0.7
"""s above, and the sd of the normals, in distances of a node to its nearest."""
OVERSAMPLED = 2
TOGETHER = 512
"""Points weighed at once."""
STEPS = 20
"""Most steps of Newton's method for the tilt."""


def between_nodes(
    t: np.ndarray,
    weights: np.ndarray,
    log_density: np.ndarray,
    gradient: np.ndarray,
    natural: Callable[[np.ndarray], np.ndarray],
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws of t, `[count, K]`, from nodes `[C, K]`, their weights, log densities and gradients.

    Args:
        t: the nodes.
        weights: `[C]`, their probabilities.
        log_density: `[C]`, log p(t given y) at them.
        gradient: `[C, K]`, its gradient.
        natural: from t `[N, K]` to the quantities `[N, K]` whose means and variances are kept.
        count: how many draws.
        rng: the source of randomness.
    """
    mean = weights @ t
    axes = np.linalg.cholesky((weights[:, None] * (t - mean)).T @ (t - mean))
    z, slopes = np.linalg.solve(axes, (t - mean).T).T, gradient @ axes
    apart = ((z[:, None] - z) ** 2).sum(2)
    nearest = np.sqrt(np.median(np.where(apart > 0, apart, np.inf).min(1))) if len(z) > 1 else 1.0
    blend, width = BLEND * nearest, WIDTH * nearest
    even = (np.arange(OVERSAMPLED * count) + rng.random()) / (OVERSAMPLED * count)
    node = np.minimum(np.searchsorted(np.cumsum(weights), even), len(t) - 1)
    points = z[node] + width * ndtri(_even_points(len(node), t.shape[1], rng))
    blended, proposed = np.empty(len(points)), np.empty(len(points))
    for start in range(0, len(points), TOGETHER):
        some = slice(start, start + TOGETHER)
        apart = distances(points[some], z)
        local = log_density + points[some] @ slopes.T - (z * slopes).sum(1) - 0.5 * apart
        # Shares of nodes need single precision and no logarithms: the nearest node's is the largest.
        beyond = (apart - apart.min(1, keepdims=True)).astype(np.float32)
        near = np.exp(beyond * (-0.5 / blend**2))
        blended[some] = (near * local).sum(1) / near.sum(1)
        proposed[some] = np.log(np.exp(beyond * (-0.5 / width**2)) @ weights) - 0.5 * apart.min(1) / width**2
    points = mean + points @ axes.T
    worth = tilted(blended - proposed, natural(points), weights, natural(t))
    chosen = np.searchsorted(np.cumsum(worth), (np.arange(count) + rng.random()) / count)
    return points[rng.permutation(np.minimum(chosen, len(points) - 1))]


def tilted(log_worth: np.ndarray, values: np.ndarray, weights: np.ndarray, at_nodes: np.ndarray) -> np.ndarray:
    r"""Weights of points that give their values the mean and variance that the nodes give them.

    .. math:: w_i \propto exp(log_worth_i + \lambda' f(values_i)),  f(x) = (x, x^2)

    has the least relative entropy to the given weights of all that do (S. Kullback, Information Theory and
    Statistics, 1959); lambda minimises a convex function. Where no step improves it, what was reached is kept.

    Args:
        log_worth: `[N]`, the given log weights.
        values: `[N, K]`, the quantities at the points.
        weights: `[C]`, the nodes' probabilities.
        at_nodes: `[C, K]`, the quantities at the nodes.
    """
    center = weights @ at_nodes
    spread = np.sqrt(weights @ (at_nodes - center) ** 2) + 1e-300
    values, at_nodes = (values - center) / spread, (at_nodes - center) / spread
    away = np.hstack([values, values**2 - weights @ at_nodes**2])

    def at(multiplier):
        total = log_worth + away @ multiplier
        size = logsumexp(total)
        return size, np.exp(total - size)

    multiplier = np.zeros(away.shape[1])
    size, worth = at(multiplier)
    for _ in range(STEPS):
        error = worth @ away
        if np.abs(error).max(initial=0.0) < 1e-4:
            break
        centred = away - error
        curvature = (worth[:, None] * centred).T @ centred + 1e-6 * np.eye(len(error))
        step = -np.linalg.solve(curvature, error)
        for halved in 0.5 ** np.arange(8):
            new_size, new_worth = at(multiplier + halved * step)
            if new_size < size:
                break
        else:
            break
        multiplier, size, worth = multiplier + halved * step, new_size, new_worth
    return worth


def _even_points(count: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Points in the open unit cube, `[count, dimensions]`, more even than independent ones: a shifted Kronecker set."""
    # The root of x^(d+1) = x + 1, of which the golden ratio is the first (M. Roberts, 2018).
    root = 2.0
    for _ in range(40):
        root = (1 + root) ** (1 / (dimensions + 1))
    steps = root ** -np.arange(1.0, dimensions + 1)
    points = (np.arange(count)[:, None] * steps + rng.random(dimensions)) % 1
    return np.clip(points, 1e-12, 1 - 1e-12)


def distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The squared distances of points `[N, K]` and others `[C, K]`, `[N, C]`."""
    apart = (points**2).sum(1)[:, None] + (others**2).sum(1) - 2 * points @ others.T
    return np.maximum(apart, 0)
