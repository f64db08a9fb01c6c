"""The nodes of t: a lattice in the axes of the mode's curvature, flooded from the mode over all that carries weight.

The sum over a lattice is the trapezoidal rule, whose error for a density as smooth as a Gaussian falls like
exp(-2 pi^2 / s^2) with its spacing s: at 1.5 standard deviations it is 2e-4. What matters is the shortest vector of the
dual lattice, so that from three dimensions on a cubic lattice with a second point in the centre of each cube (D*) needs
0.7, 0.5, 0.35, ... of the points. A cell is visited where the parabola from a solved neighbour, its value and its
gradient, promises weight; so the shell around the nodes is hardly visited, and a long tail is followed to its end.
"""

from itertools import product

import numpy as np
from scipy.special import gammaincinv

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.outer import Cells, Mode, joined, solved

SPACING = {0: 1.0, 1: 0.5, 2: 1.4, 3: 1.5, 4: 1.5, 5: 1.5}
"""Of a cubic lattice of the same accuracy, in sds; in one dimension finer than sums need, for the sake of quantiles."""
MOST_CELLS = 1000
MOST_DIMENSIONS = 5
"""Beyond, a lattice has too many cells."""
MARGIN = 0.5


def depth(dimensions: int) -> float:
    """How many nats below the best a cell may be: 99.5 % of a Gaussian in so many dimensions, and 6 in the plane."""
    return max(6.0, float(gammaincinv(max(dimensions, 1) / 2, 0.995)))


def neighbours(dimensions: int) -> np.ndarray:
    """The steps to the nearest cells, in halves of the cube's edge."""
    edges = 2 * np.vstack([np.eye(dimensions, dtype=int), -np.eye(dimensions, dtype=int)])
    if dimensions < 3:
        return edges
    return np.vstack([edges, np.array(list(product((1, -1), repeat=dimensions)))])


def edge(dimensions: int) -> float:
    """The edge of the cube."""
    return SPACING[dimensions] * (1 if dimensions < 3 else np.sqrt(2))


def flood(inner: Inner, mode: Mode) -> tuple[Cells, np.ndarray] | None:
    """All cells of the lattice within `depth` of the best, and the logarithm of the volume that each stands for.

    None where they are more than `MOST_CELLS`.
    """
    K = mode.cell.t.shape[1]
    half, steps = edge(K) / 2, neighbours(K)
    deep, lost = depth(K), 0.5 * half**2 * (steps**2).sum(1)
    promised, parents = {(0,) * K: np.inf}, {(0,) * K: 0}
    seen: set[tuple[int, ...]] = set()
    whole, best = mode.cell, -np.inf
    while True:
        wave = [cell for cell, value in promised.items() if value > best - deep - MARGIN]
        if not wave:
            break
        if len(seen) + len(wave) > MOST_CELLS:
            return None
        t = mode.cell.t + half * np.array(wave).reshape(len(wave), K) @ mode.axes.T
        cells = solved(inner, t, whole.state.take(np.array([parents[cell] for cell in wave])))
        values = cells.log_density[:, None] + half * (cells.gradient @ mode.axes) @ steps.T - lost
        seen.update(wave)
        best = max(best, cells.log_density.max())
        for i, cell in enumerate(wave):
            del promised[cell]
            for step, value in zip(steps, values[i], strict=True):
                other = tuple((step + cell).tolist())
                if other not in seen and value > promised.get(other, -np.inf):
                    promised[other], parents[other] = value, len(whole.t) + i
        whole = joined([whole, cells])
    cells = whole.take((whole.log_density[1:] > best - deep).nonzero()[0] + 1)
    points = 1 if K < 3 else 2  # in each cube
    volume = np.linalg.slogdet(mode.axes)[1] + K * np.log(edge(K)) - np.log(points)
    return cells, np.full(len(cells.t), volume)
