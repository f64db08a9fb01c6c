"""Densities of one variable as tables, linear between their points: drawn from and evaluated exactly."""

import numpy as np


class Tables:
    """A stack of densities on one grid of equal steps.

    Args:
        grid: `[M]`, the points.
        log_values: `[..., M]`, unnormalised log densities at them.
    """

    def __init__(self, grid: np.ndarray, log_values: np.ndarray):
        self.grid, self.step = grid, grid[1] - grid[0]
        values = np.exp(log_values - log_values.max(-1, keepdims=True))
        mass = 0.5 * (values[..., 1:] + values[..., :-1]) * self.step
        total = mass.sum(-1, keepdims=True)
        self.values, self.ends = values / total, np.cumsum(mass / total, -1)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of each density, `[count, ...]`."""
        flat = self.ends.reshape(-1, self.ends.shape[-1])
        each = np.arange(len(flat))
        # One sorted list for all densities: the number of the density plus the share of its mass.
        place = np.searchsorted((flat / flat[:, -1:] + each[:, None]).ravel(), rng.random((count, len(flat))) + each)
        cell = np.minimum(place - each * flat.shape[1], flat.shape[1] - 1)
        values = self.values.reshape(len(flat), -1)
        low, high = values[each, cell], values[each, cell + 1]
        # Within a cell the density is a trapezium, a mixture of two triangles.
        root, first = np.sqrt(rng.random(cell.shape)), rng.random(cell.shape) * (low + high) < low
        points = self.grid[cell] + self.step * np.where(first, 1 - root, root)
        return points.reshape(count, *self.ends.shape[:-1])

    def log_prob(self, points: np.ndarray) -> np.ndarray:
        """The log density at `[count, ...]`; minus infinity off the grid."""
        at = (points - self.grid[0]) / self.step
        cell = np.clip(at.astype(int), 0, len(self.grid) - 2)
        stack = np.broadcast_to(self.values, (*points.shape, len(self.grid)))
        low, high = (np.take_along_axis(stack, (cell + side)[..., None], -1)[..., 0] for side in (0, 1))
        within = (at >= 0) & (at <= len(self.grid) - 1)
        with np.errstate(divide="ignore"):
            return np.log(np.where(within, low + (at - cell) * (high - low), 0.0))
