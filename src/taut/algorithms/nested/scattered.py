"""The nodes of t where it has too many dimensions for a lattice: a low-discrepancy set from a bent Gaussian, weighted.

Each axis of the mode's curvature gets its own width to either side, from the density's fall at one and a half sds (a
split normal). Sobol points of that distribution stand for the volume 1 / (N q(t)) each. Where the weights leave few of
them, the Gaussian is fitted to the weighted points, and a second set is made.

Source: H. Rue, S. Martino and N. Chopin, Approximate Bayesian inference for latent Gaussian models by using integrated
nested Laplace approximations, 2009 (the split normals).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, softmax

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.outer import Cells, Mode, joined, solved

POINTS = 9
"""The binary logarithm of the number of nodes."""
REACH = 1.5
NARROWEST, WIDEST = 0.5, 2.0
WORTH = 0.3
"""The effective part of the nodes below which a second set is made."""
MOST_SETS = 3


@dataclass
class Bent:
    """Split normals along axes: t = centre + axes (z * low) for z < 0, with `high` for z > 0."""

    centre: np.ndarray
    axes: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The points of standard normal z `[N, K]`, and log q there."""
        width = np.where(z < 0, self.low, self.high)
        log_q = -(0.5 * z**2 + 0.5 * np.log(2 * np.pi) + np.log(width)).sum(1)
        return self.centre + (z * width) @ self.axes.T, log_q - np.linalg.slogdet(self.axes)[1]


def scatter(inner: Inner, mode: Mode) -> tuple[Cells, np.ndarray]:
    """Nodes of t, and the logarithm of the volume that each stands for."""
    from scipy.stats import qmc  # takes half a second to load, and few models need it

    K = len(mode.axes)
    z = ndtri(qmc.Sobol(K, rng=np.random.default_rng(0)).random_base2(POINTS))
    z = z[np.argsort((z**2).sum(1))]
    q, cells = _bent(inner, mode)
    for left in reversed(range(MOST_SETS)):
        t, log_q = q.at(z)
        cells = _outwards(inner, t, cells, q)
        weights = softmax(cells.log_density - log_q)
        if left == 0 or 1 / (weights**2).sum() > WORTH * len(z):
            return cells, -log_q - np.log(len(z))
        q = _refitted(q, t, weights)
    raise AssertionError("the last set is returned")


def _bent(inner: Inner, mode: Mode) -> tuple[Bent, Cells]:
    """The split normals at the mode, and the cells that they were measured at."""
    K = len(mode.axes)
    moves = REACH * np.concatenate([np.eye(K), -np.eye(K)])
    start = mode.cell.state.take(np.zeros(2 * K, int))
    cells = solved(inner, mode.cell.t + moves @ mode.axes.T, start, 1e-3)
    fall = np.maximum(mode.cell.log_density - cells.log_density, 1e-2)
    widths = np.clip(REACH / np.sqrt(2 * fall), NARROWEST, WIDEST)
    return Bent(mode.cell.t[0], mode.axes, widths[K:], widths[:K]), joined([mode.cell, cells])


def _outwards(inner: Inner, t: np.ndarray, known: Cells, q: Bent) -> Cells:
    """The cells at t, in order, each from the nearest that is solved; as many at once as are solved already."""
    unaxed, whole, at = np.linalg.inv(q.axes).T, known, 0
    while at < len(t):
        wave = t[at : at + len(whole.t)]
        apart = (((wave[:, None] - whole.t) @ unaxed) ** 2).sum(2)
        whole = joined([whole, solved(inner, wave, whole.state.take(apart.argmin(1)))])
        at += len(wave)
    return whole.take(np.arange(len(known.t), len(whole.t)))


def _refitted(q: Bent, t: np.ndarray, weights: np.ndarray) -> Bent:
    """A Gaussian of the weighted points' moments; where they are worth little, its covariance leans on the last."""
    worth = 1 / (weights**2).sum()
    mean = weights @ t
    covariance = (weights[:, None] * (t - mean)).T @ (t - mean)
    last = (q.axes * ((q.low + q.high) / 2) ** 2) @ q.axes.T
    share = worth / (worth + 2 * len(mean))
    ones = np.ones_like(mean)
    return Bent(mean, np.linalg.cholesky(share * covariance + (1 - share) * last), ones, ones)
