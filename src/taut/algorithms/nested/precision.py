r"""The precision of q(w) in blocks, and what is wanted of its inverse, for a batch of T cells.

With curvatures h of the rows, border columns R `[B, n]`, columns z of the eliminated factor and prior precisions,

    P = | Q   B' |     Q = R H R' + prior,   B_g = sum_{i in g} h_i z_i R_i',   C_g = sum_{i in g} h_i z_i z_i' + prior.
        | B   C  |

C is block-diagonal, so that the border's covariance is V = S^-1 with the Schur complement S = Q - sum_g B_g' C_g^-1
B_g, and log|P| = log|S| + sum_g log|C_g|. With the pull F_g = C_g^-1 B_g, the variance of a row's linear predictor
needs one product: with r = R_i - F_g' z,

    Var(R_i' b + z' u_g) = r' V r + z' C_g^-1 z.
"""

from dataclasses import dataclass

import numpy as np

from taut.algorithms.nested import stacks
from taut.algorithms.nested.layout import Layout

LARGEST_BATCH = 1e6
"""Numbers in the largest array of a batch of cells."""


@dataclass
class Precision:
    """One factorised precision for each of T cells.

    Attributes:
        covariance: `[T, B, B]`, the covariance of the border.
        inverse: `[T, q, q, G]`, C^-1: the covariance of the eliminated effects given the border.
        pull: `[T, q, B, G]`, F: the mean of the eliminated effects moves by -F'b.
        log_schur: `[T]`, log|S|; NaN where P is not positive definite.
    """

    covariance: np.ndarray
    inverse: np.ndarray
    pull: np.ndarray
    log_schur: np.ndarray

    def take(self, cells: slice) -> "Precision":
        """A view of these cells."""
        return Precision(self.covariance[cells], self.inverse[cells], self.pull[cells], self.log_schur[cells])

    def solve(self, border: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P^-1 times a vector, given and returned in its two parts `[T, B]` and `[T, q, G]`."""
        reduced = border - (self.pull @ groups[..., None]).sum(1)[:, :, 0]
        b = (self.covariance @ reduced[:, :, None])[:, :, 0]
        u = (self.inverse * groups[:, None]).sum(2) - (b[:, None, None] @ self.pull)[:, :, 0]
        return b, u

    def pulled(self, border: np.ndarray) -> np.ndarray:
        """F'b for vectors b `[N, B]` at a single cell, `[N, q, G]`."""
        return np.tensordot(border, self.pull[0], (1, 1))

    def row_variances(self, rows: np.ndarray, columns: np.ndarray, index: np.ndarray) -> np.ndarray:
        """The variance of rows' linear predictors, `[T, n]`, from R `[B, n]`, z `[q, n]` and levels."""
        reduced = rows - sum(z * self.pull[:, a][:, :, index] for a, z in enumerate(columns))
        variance = (reduced * (self.covariance @ reduced)).sum(1)
        for a, left in enumerate(columns):
            for b, right in enumerate(columns):
                variance += left * right * self.inverse[:, a, b][:, index]
        return variance

    def group_covariances(self) -> np.ndarray:
        """The marginal covariances of the eliminated effects, `[T, q, q, G]`: C^-1 + F V F'."""
        moved = self.covariance[:, None] @ self.pull
        out = self.inverse.copy()
        for a in range(out.shape[1]):
            for b in range(out.shape[1]):
                out[:, a, b] += (self.pull[:, a] * moved[:, b]).sum(1)
        return out

    def border_variances(self) -> np.ndarray:
        """The variances of the border, `[T, B]`."""
        return np.einsum("tbb->tb", self.covariance)

    def cross(self) -> np.ndarray:
        """The covariances of border and eliminated effects, `[T, q, B, G]`: -V F'."""
        return -(self.covariance[:, None] @ self.pull)


class DenseAlgebra:
    """Sums over rows with the border's columns held as one dense matrix, for a border of few columns."""

    def __init__(self, layout: Layout):
        self.layout, self.border = layout, layout.dense()
        numbers = layout.rows * layout.width + layout.width**2 + layout.width * layout.eliminated.size
        self.batch = int(max(1, LARGEST_BATCH // numbers))

    def factorise(self, h: np.ndarray, prior: np.ndarray, group_prior: np.ndarray) -> Precision:
        """The precision for curvatures `[T, n]` and prior precisions `[T, B, B]` and `[T, q, q]`."""
        layout, columns = self.layout, self.layout.columns
        q = len(columns)
        weighted = h[:, None] * self.border
        cross = np.stack([layout.sums(weighted * z) for z in columns], 1)  # B
        own = np.stack([np.stack([layout.sums(h * (z * y)) for y in columns], 1) for z in columns], 1)
        root = stacks.cholesky(own + group_prior[..., None])
        inverse = stacks.gram(stacks.triangular_inverse(root))
        pull = np.stack([sum(inverse[:, a, c, None] * cross[:, c] for c in range(q)) for a in range(q)], 1)
        schur = weighted @ self.border.T + prior - (pull @ cross.swapaxes(2, 3)).sum(1)
        covariance, log_schur = inverse_and_log_determinant(schur)
        return Precision(covariance, inverse, pull, log_schur)

    def predict(self, border: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The linear predictors `[T, n]` of a mean, without the offset."""
        effects = sum(z * groups[:, a][:, self.layout.index] for a, z in enumerate(self.layout.columns))
        return border @ self.border + effects

    def gather(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The transpose of `predict`: `[T, n]` to `[T, B]` and `[T, q, G]`."""
        groups = np.stack([self.layout.sums(rows * z) for z in self.layout.columns], 1)
        return rows @ self.border.T, groups

    def row_variances(self, precision: Precision) -> np.ndarray:
        """The variances of the linear predictors, `[T, n]`."""
        return precision.row_variances(self.border, self.layout.columns, self.layout.index)


def inverse_and_log_determinant(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse and log determinant of each matrix `[T, B, B]`; NaN where it is not positive definite."""
    try:
        root = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.full_like(matrices, np.nan), np.full(1, np.nan)
        each = [inverse_and_log_determinant(matrix[None]) for matrix in matrices]
        return np.concatenate([one[0] for one in each]), np.concatenate([one[1] for one in each])
    log_determinant = 2 * np.log(np.einsum("tbb->tb", root)).sum(1)
    half = np.linalg.inv(root)  # so that the inverse is positive definite, however wide its range of sizes
    return half.swapaxes(1, 2) @ half, log_determinant
