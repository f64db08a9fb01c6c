"""q(w given t) at each node of t: moments, draws and densities."""

from collections.abc import Iterator

import numpy as np
from scipy.linalg import solve_triangular

from taut.algorithms.nested.effects import LOG_2PI
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.outer import Cells
from taut.algorithms.nested.parts import Parts, covariance_of_rows

LARGEST_ROWS = 2e7
"""Numbers in the largest array when rows are predicted."""


class FittedNodes:
    """The distributions of solved cells. Covariances are made anew from the curvatures when they are asked for.

    Args:
        inner: the inner problem.
        cells: its solved cells.
    """

    def __init__(self, inner: Inner, cells: Cells):
        self.inner, self.cells, self.layout = inner, cells, inner.layout
        self._kept = None
        self._moments: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def unknowns(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and variance of each unknown at each node, `[C, d]`, in the order of `Layout`."""
        variances = np.vstack([self._moments_of(batch)[0] for batch in self._starts])
        return self._flat(self.cells.state.border, self.cells.state.groups), variances[:, : self._size]

    @property
    def left(self) -> np.ndarray:
        """Nats left to gain at each node."""
        return self.cells.state.left

    @property
    def log_density(self) -> np.ndarray:
        """ELBO(t) + log p(t) at each node."""
        return self.cells.log_density

    @property
    def expected_log_likelihood(self) -> np.ndarray:
        """E log p(y given w, t) at each node."""
        return self.cells.state.value

    def fixed_covariances(self) -> np.ndarray:
        """The covariances of the fixed columns' coefficients at each node, `[C, P, P]`."""
        return np.vstack([self._moments_of(batch)[1] for batch in self._starts])

    def linear(self, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
        """The mean and variance of rows' linear predictors at each node, `[C, n]`, without offsets."""
        n, B = len(parts.index), max(1, self.layout.width)
        batch = int(np.clip(LARGEST_ROWS // (n * B), 1, self.inner.batch))
        means, variances = [], []
        for some, precision in self._batches(batch):
            means.append(parts.means(self.cells.state.border[some], self.cells.state.groups[some]))
            variances.append(covariance_of_rows(parts, precision))
        return np.vstack(means), np.maximum(np.vstack(variances), 0.0)

    def draw(self, node: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of w at one node, `[count, d]`."""
        state, precision, root = self._node(node)
        border = rng.standard_normal((count, len(root))) @ root.T
        groups = self.inner.effects.draw(state, count, rng) - precision.pulled(border)
        return self._flat(state.border + border, groups)

    def log_prob(self, node: int, w: np.ndarray) -> np.ndarray:
        """log q(w given t) at one node, `[count]`."""
        (state, precision, _), layout = self._node(node), self.layout
        total = self.log_border(node, w)
        if layout.last is None:
            return total
        groups = w[:, layout.width :].reshape(len(w), *state.groups.shape[1:])
        moved = precision.pulled(w[:, : layout.width] - state.border)
        return total + self.inner.effects.log_prob(state, groups + moved)

    def log_border(self, node: int, w: np.ndarray) -> np.ndarray:
        """log q(border given t) at one node, `[count]`."""
        (state, precision, root), layout = self._node(node), self.layout
        border = w[:, : layout.width] - state.border
        squares = (solve_triangular(root, border.T, lower=True, check_finite=False) ** 2).sum(0)
        return 0.5 * (precision.log_schur[0] - layout.width * LOG_2PI - squares)

    def effects_given(self, node: int, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean `[count, q, G]` and covariance `[q, q, G]` of the eliminated effects given the border, at one node."""
        state, precision, _ = self._node(node)
        return state.groups - precision.pulled(w[:, : self.layout.width] - state.border), state.spread[0]

    @property
    def _size(self) -> int:
        return self.layout.size if self.layout.last is not None else self.layout.width

    def _flat(self, border, groups) -> np.ndarray:
        return np.hstack([border, groups.reshape(len(groups), -1)])[:, : self._size]

    @property
    def _starts(self) -> range:
        """The first node of each batch."""
        return range(0, len(self.cells.t), self.inner.batch)

    def _moments_of(self, first: int) -> tuple[np.ndarray, np.ndarray]:
        """The variances of all unknowns and the covariances of the fixed columns' coefficients, of a batch of nodes."""
        if first not in self._moments:
            self._node(first)
        return self._moments[first]

    def _node(self, node: int):
        """The state and precision of one node, and the Cholesky factor of its border's covariance.

        They are made for a batch of nodes at once and kept for the next node: the nodes are asked for in their order.
        What is small is kept of all batches.
        """
        batch, at = divmod(node, self.inner.batch)
        first = batch * self.inner.batch
        if self._kept is None or self._kept[0] != batch:
            some = slice(first, min(first + self.inner.batch, len(self.cells.t)))
            state = self.cells.state.take(some)
            precision = self.inner.precision(state, self.cells.t[some])
            self._kept = (batch, state, precision, np.linalg.cholesky(precision.covariance), {})
            if first not in self._moments:
                P, own = len(self.layout.mean), np.einsum("taag->tag", precision.group_covariances())
                variances = np.hstack([precision.border_variances(), own.reshape(len(own), -1)])
                self._moments[first] = variances, precision.covariance[:, :P, :P].copy()
        _, state, precision, roots, single = self._kept
        if at not in single:
            here = slice(at, at + 1)
            single[at] = (state.take(here), precision.take(here), roots[at])
        return single[at]

    def _batches(self, batch: int) -> Iterator:
        for at in range(0, len(self.cells.t), batch):
            some = np.arange(at, min(at + batch, len(self.cells.t)))
            yield some, self.inner.precision(self.cells.state.take(some), self.cells.t[some])
