"""The mode of log p(t given y), with ELBO(t) + log p(t) in its place, and the curvature there.

The gradient of ELBO(t) at the best q(w given t) costs nothing beyond it (`Inner.envelope`), so that the curvature comes
from differences of gradients: K cells of t at once in place of K^2 values. The search is BFGS that starts from such a
curvature; a last curvature is measured at the mode, over half a standard deviation to either side.
"""

from dataclasses import dataclass

import numpy as np

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.state import State

MOST_ROUNDS = 60
LONGEST_STEP = 1.0
NEAR = 0.01
"""Nats between the last point and the mode of the local parabola at which the search ends: 0.14 sd."""


@dataclass
class Cells:
    """Solved cells of t.

    Attributes:
        t: `[T, K]`.
        log_density: `[T]`, ELBO(t) + log p(t).
        gradient: `[T, K]`, its gradient in t.
        state: q(w given t).
    """

    t: np.ndarray
    log_density: np.ndarray
    gradient: np.ndarray
    state: State

    def take(self, cells: np.ndarray) -> "Cells":
        """The cells of these indices."""
        return Cells(self.t[cells], self.log_density[cells], self.gradient[cells], self.state.take(cells))


def solved(inner: Inner, t: np.ndarray, start: State, tolerance: float = 1e-5) -> Cells:
    """The cells at t `[T, K]`, each from its own start, in batches that fit the memory."""
    parts = []
    for at in range(0, len(t), inner.batch):
        some = np.arange(at, min(at + inner.batch, len(t)))
        state = inner.solve(t[some], start.take(some), tolerance)
        log_density = inner.elbo(state, t[some]) + inner.scales.log_prior(t[some])
        log_density = np.where(np.isfinite(log_density), log_density, -np.inf)
        parts.append(Cells(t[some], log_density, inner.envelope(state, t[some]), state))
    return joined(parts)


def joined(parts: list[Cells]) -> Cells:
    """The cells of several batches."""
    if len(parts) == 1:
        return parts[0]
    t, log_density, gradient = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("t", "log_density", "gradient")
    )
    return Cells(t, log_density, gradient, State.joined([part.state for part in parts]))


@dataclass
class Mode:
    """The mode and the axes of its curvature.

    Attributes:
        cell: the one cell nearest to the mode.
        axes: `[K, K]`, A with A A' the inverse of the curvature: t = mode + A z has unit curvature in z.
    """

    cell: Cells
    axes: np.ndarray


def find_mode(inner: Inner, t: np.ndarray, near: Mode | None = None) -> Mode:
    """The mode from a first guess `[K]`, or from the mode of the same model under other `Effects`."""
    if near is None:
        here = solved(inner, t[None], inner.start(t[None]), 1e-4)
    else:
        here = solved(inner, near.cell.t, inner.adopted(near.cell.state, near.cell.t), 1e-4)
    if not len(t):
        return Mode(here, np.zeros((0, 0)))
    if near is None:
        curvature = _curvature(inner, here, np.full(len(t), 0.1), sides=1)
    else:
        curvature = np.linalg.inv(near.axes @ near.axes.T)
    for _ in range(MOST_ROUNDS):
        step = _ascent(curvature, here.gradient[0])
        if 0.5 * here.gradient[0] @ step < NEAR:
            break
        there = _farther(inner, here, step)
        if there is None:
            break
        curvature = _updated(curvature, (there.t - here.t)[0], (here.gradient - there.gradient)[0])
        here = there
    sds = 1 / np.sqrt(np.maximum(np.diag(curvature), 1e-2))
    values, vectors = np.linalg.eigh(_curvature(inner, here, np.clip(sds / 2, 0.01, 0.5), sides=2))
    return Mode(here, vectors / np.sqrt(np.maximum(values, 0.1)))


def _curvature(inner: Inner, here: Cells, lengths: np.ndarray, sides: int) -> np.ndarray:
    """Minus the Hessian from differences of gradients, one-sided or central."""
    K = len(lengths)
    signs = np.repeat([1.0, -1.0][:sides], K)
    moves = np.tile(np.diag(lengths), (sides, 1)) * signs[:, None]
    cells = solved(inner, here.t + moves, here.state.take(np.zeros(sides * K, int)), 1e-4)
    slopes = (here.gradient - cells.gradient) * signs[:, None]
    curvature = slopes.reshape(sides, K, K).mean(0) / lengths[:, None]
    return (curvature + curvature.T) / 2


def _ascent(curvature: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """The step to the top of the parabola, no longer than `LONGEST_STEP`; directions that bend upwards are turned."""
    values, vectors = np.linalg.eigh(curvature)
    step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 1e-2))
    return step * min(1.0, LONGEST_STEP / np.abs(step).max())


def _farther(inner: Inner, here: Cells, step: np.ndarray) -> Cells | None:
    """The first point along the step, halved again and again, whose density is higher."""
    for length in 0.5 ** np.arange(12):
        there = solved(inner, here.t + length * step, here.state, 1e-4)
        if there.log_density[0] > here.log_density[0] - 1e-3 * NEAR:
            return there
    return None


def _updated(curvature: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The update of BFGS; none where the density bends upwards along the step."""
    along = step @ change
    if along <= 1e-10:
        return curvature
    pressed = curvature @ step
    return curvature - np.outer(pressed, pressed) / (step @ pressed) + np.outer(change, change) / along
