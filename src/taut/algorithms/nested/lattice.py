"""The nodes of t: a lattice in the axes of the mode's curvature, flooded from the mode over all that carries weight.

The sum over a lattice is the trapezoidal rule, whose error for a density as smooth as a Gaussian falls like
exp(-2 pi^2 / s^2) with its spacing s: at 1.7 standard deviations it is 1e-3. What matters is the shortest vector of the
dual lattice, so that from three dimensions on a cubic lattice with a second point in the centre of each cube (D*) needs
0.7, 0.5, 0.35, ... of the points. A cell is visited where the parabola from a solved neighbour, its value and its
gradient, promises weight; so the shell around the nodes is hardly visited, and a long tail is followed to its end.
"""

from itertools import product

import numpy as np
from scipy.stats import chi2

from taut.algorithms.nested.inner import Inner, State
from taut.algorithms.nested.outer import Cells, Mode, solved

SPACING = {0: 1.0, 1: 0.5, 2: 1.25}
MOST_CELLS = 600
MARGIN = 0.5
LARGEST_BATCH = 2e6
"""Numbers in the largest array of a batch of cells."""


def depth(dimensions: int) -> float:
    """How many nats below the best a cell may be: 99 % of a Gaussian in so many dimensions, and 6 in the plane."""
    return max(6.0, 0.5 * float(chi2.ppf(0.99, max(dimensions, 1))))


def neighbours(dimensions: int) -> np.ndarray:
    """The steps to the nearest cells, in halves of the cube's edge."""
    edges = 2 * np.vstack([np.eye(dimensions, dtype=int), -np.eye(dimensions, dtype=int)])
    if dimensions < 3:
        return edges
    return np.vstack([edges, np.array(list(product((1, -1), repeat=dimensions)))])


def edge(dimensions: int) -> float:
    """The edge of the cube."""
    return SPACING[dimensions] if dimensions in SPACING else np.sqrt(2) * 1.6


def flood(inner: Inner, mode: Mode) -> Cells:
    """All cells of the lattice within `depth` of the best."""
    K = mode.cell.t.shape[1]
    half, steps = edge(K) / 2, neighbours(K)
    promised = {(0,) * K: np.inf}
    parent: dict[tuple[int, ...], State] = {(0,) * K: mode.cell.state}
    seen, found, best = set(), [], -np.inf
    while True:
        wave = [cell for cell, value in promised.items() if value > best - depth(K) - MARGIN]
        if not wave or len(seen) > MOST_CELLS:
            break
        wave = wave[: batch_size(inner)]
        t = mode.cell.t + half * np.array(wave).reshape(len(wave), K) @ mode.axes.T
        cells = solved(inner, t, State.joined([parent[cell] for cell in wave]))
        found.append(cells)
        seen.update(wave)
        best = max(best, cells.log_density.max())
        for cell in wave:
            del promised[cell], parent[cell]
        slopes = cells.gradient @ mode.axes
        for i, cell in enumerate(wave):
            values = cells.log_density[i] + half * steps @ slopes[i] - 0.5 * half**2 * (steps**2).sum(1)
            for step, value in zip(steps, values, strict=True):
                other = tuple(int(x) for x in step + cell)
                if other not in seen and value > promised.get(other, -np.inf):
                    promised[other], parent[other] = value, cells.state.take(np.array([i]))
    whole = joined(found)
    return whole.take((whole.log_density > best - depth(K)).nonzero()[0])


def batch_size(inner: Inner) -> int:
    """How many cells are solved at once."""
    layout = inner.layout
    return int(max(1, LARGEST_BATCH // (layout.rows * layout.width + layout.width**2 + layout.size)))


def joined(parts: list[Cells]) -> Cells:
    """The cells of several waves."""
    arrays = ([getattr(part, name) for part in parts] for name in ("t", "log_density", "gradient"))
    return Cells(*(np.concatenate(each) for each in arrays), State.joined([part.state for part in parts]))
