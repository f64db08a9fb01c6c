"""The precision of q(w) where the border has many columns, as with crossed factors of hundreds or thousands of levels.

The blocks are those of `precision`. Rows and the coupling B of border and eliminated effects are sparse matrices; only
the border's covariance `[B, B]` and the covariance of border and eliminated effects `[B, G]` are dense. The variance of
a row's linear predictor is put together from entries of these, so that nothing of size rows times columns is made.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.linalg import get_lapack_funcs

from taut.algorithms.nested import stacks
from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.parts import Parts, covariance_of_rows


@dataclass
class SparsePrecision:
    """One factorised precision of one cell; arrays carry the axis T = 1 that `Precision` has.

    Attributes:
        covariance: `[1, B, B]`, the covariance of the border.
        inverse: `[1, q, q, G]`, C^-1.
        pulls: q sparse matrices `[G, B]`, F.
        crossed: `[1, q, B, G]`, the covariance of border and eliminated effects: -V F'.
        log_schur: `[1]`, log|S|.
    """

    covariance: np.ndarray
    inverse: np.ndarray
    pulls: list[sp.csr_matrix]
    crossed: np.ndarray
    log_schur: np.ndarray

    def take(self, cells: slice) -> "SparsePrecision":
        """Itself: it is of one cell."""
        return self

    def solve(self, border: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P^-1 times a vector, given and returned in its two parts `[1, B]` and `[1, q, G]`."""
        reduced = border[0] - sum(pull.T @ g for pull, g in zip(self.pulls, groups[0], strict=True))
        b = self.covariance[0] @ reduced
        u = (self.inverse * groups[:, None]).sum(2) - np.stack([pull @ b for pull in self.pulls])
        return b[None], u

    def pulled(self, border: np.ndarray) -> np.ndarray:
        """F'b for vectors b `[N, B]`, `[N, q, G]`."""
        return np.stack([(pull @ border.T).T for pull in self.pulls], 1)

    def group_covariances(self) -> np.ndarray:
        """The marginal covariances of the eliminated effects, `[1, q, q, G]`."""
        out = self.inverse.copy()
        for a, pull in enumerate(self.pulls):
            for b in range(len(self.pulls)):
                out[0, a, b] -= np.asarray(pull.multiply(self.crossed[0, b].T).sum(1))[:, 0]
        return out

    def border_variances(self) -> np.ndarray:
        """The variances of the border, `[1, B]`."""
        return np.einsum("tbb->tb", self.covariance)

    def cross(self) -> np.ndarray:
        """The covariances of border and eliminated effects, `[1, q, B, G]`."""
        return self.crossed


class SparseAlgebra:
    """Sums over rows with the border's columns held as a sparse matrix, one cell at a time."""

    batch = 1

    def __init__(self, layout: Layout):
        self.layout = layout
        self.parts = Parts.of(layout)
        self.border = layout.sparse().tocsr()
        self.transposed = self.border.T.tocsr()
        self.rows = np.repeat(np.arange(layout.rows), np.diff(self.border.indptr))  # of the stored entries
        G, n = layout.eliminated.levels, layout.rows
        self.levels = [sp.csr_matrix((z, (layout.index, np.arange(n))), (G, n)) for z in layout.columns]

    def factorise(self, h: np.ndarray, prior: np.ndarray, group_prior: np.ndarray) -> SparsePrecision:
        """The precision for curvatures `[1, n]` and prior precisions `[1, B, B]` and `[1, q, q]`."""
        layout, q = self.layout, len(self.layout.columns)
        entries = self.border.data * h[0][self.rows]
        weighted = sp.csr_matrix((entries, self.border.indices, self.border.indptr), self.border.shape)
        schur = (self.transposed @ weighted).toarray() + prior[0]
        cross = [sp.csr_matrix(level @ weighted) for level in self.levels]
        own = np.stack([[layout.sums(h[0] * z * y) for y in layout.columns] for z in layout.columns])
        root = stacks.cholesky(own + group_prior[0][..., None])
        inverse = stacks.gram(stacks.triangular_inverse(root))
        pulls = [_combined(cross, inverse[a]) for a in range(q)]
        for a in range(q):
            schur -= (pulls[a].T @ cross[a]).toarray()
        covariance, log_schur = symmetric_inverse(schur)
        crossed = np.stack([-(pull @ covariance).T for pull in pulls])
        return SparsePrecision(covariance[None], inverse[None], pulls, crossed[None], np.array([log_schur]))

    def predict(self, border: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The linear predictors `[T, n]` of a mean, without the offset."""
        effects = sum(z * groups[:, a][:, self.layout.index] for a, z in enumerate(self.layout.columns))
        return (self.border @ border.T).T + effects

    def gather(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The transpose of `predict`: `[T, n]` to `[T, B]` and `[T, q, G]`."""
        return (self.transposed @ rows.T).T, np.stack([self.layout.sums(rows * z) for z in self.layout.columns], 1)

    def row_variances(self, precision: SparsePrecision) -> np.ndarray:
        """The variances of the linear predictors, `[1, n]`."""
        return covariance_of_rows(self.parts, precision)


def _combined(parts: list[sp.csr_matrix], shares: np.ndarray) -> sp.csr_matrix:
    """The sum of matrices whose rows are multiplied by shares `[q, G]`."""
    each = [sp.csr_matrix(part.multiply(share[:, None])) for part, share in zip(parts, shares, strict=True)]
    return each[0] if len(each) == 1 else sp.csr_matrix(sum(each[1:], each[0]))


def symmetric_inverse(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """The inverse and log determinant of a symmetric matrix by Cholesky; NaN where it is not positive definite."""
    factor, invert = get_lapack_funcs(("potrf", "potri"), (matrix,))
    root, failed = factor(matrix, lower=1)
    if failed or not np.isfinite(root[0, 0]):
        return np.full_like(matrix, np.nan), np.nan
    log_determinant = 2 * np.log(np.diag(root)).sum()
    half, _ = invert(root, lower=1)
    return np.tril(half) + np.tril(half, -1).T, float(log_determinant)
