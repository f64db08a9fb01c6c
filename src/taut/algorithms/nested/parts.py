"""Rows as they are given: columns of beta, and for each factor a level and its columns.

So a row reads the few entries of a covariance that it needs. New rows are read in this way too; a level that the fit
has not seen, -1, contributes nothing to the mean, and to the variance what the caller adds.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from taut.algorithms.nested.layout import Layout


class Covariances(Protocol):
    """The blocks of the covariance of w that rows read, for T cells."""

    covariance: np.ndarray

    def cross(self) -> np.ndarray:
        """`[T, q, B, G]`."""
        ...

    def group_covariances(self) -> np.ndarray:
        """`[T, q, q, G]`."""
        ...


@dataclass
class Parts:
    """Rows in parts.

    Attributes:
        fixed: `[P, n]`.
        border: the coordinates `[n]` in the border and the columns `[n]`, for each effect of the border's factors.
        index: `[n]`, levels of the eliminated factor.
        columns: `[q, n]`, its columns.
    """

    fixed: np.ndarray
    border: list[tuple[np.ndarray, np.ndarray]]
    index: np.ndarray
    columns: np.ndarray

    @staticmethod
    def of(layout: Layout) -> "Parts":
        """The rows of the fit."""
        indices = [factor.index for factor in layout.factors]
        return Parts.new(layout, layout.fixed.T, indices, [factor.columns for factor in layout.factors])

    @staticmethod
    def new(layout: Layout, fixed: np.ndarray, indices: list[np.ndarray], columns: list[np.ndarray]) -> "Parts":
        """Other rows: `fixed` `[n, P]`, and levels `[n]` and columns `[n, q]` for each factor in the listed order."""
        n = len(fixed)
        border, index, eliminated = [], np.zeros(n, int), np.zeros((len(layout.columns), n))
        for k, (levels, z) in enumerate(zip(indices, columns, strict=True)):
            seen = levels >= 0
            known = np.where(seen, levels, 0)
            if k == layout.last:
                index, eliminated = known, np.ascontiguousarray((z * seen[:, None]).T)
                continue
            start, G = layout.effects(k).start, layout.factors[k].levels
            border += [(start + a * G + known, z[:, a] * seen) for a in range(z.shape[1])]
        return Parts(np.ascontiguousarray(fixed.T), border, index, eliminated)

    def means(self, border: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The linear predictors without offset, `[T, n]`, of means `[T, B]` and `[T, q, G]`."""
        total = border[:, : len(self.fixed)] @ self.fixed
        for at, z in self.border:
            total = total + border[:, at] * z
        for a, z in enumerate(self.columns):
            total = total + groups[:, a][:, self.index] * z
        return total


def covariance_of_rows(parts: Parts, precision: Covariances) -> np.ndarray:
    """The variances of the rows' linear predictors, `[T, n]`."""
    P = len(parts.fixed)
    V, cross, own = precision.covariance, precision.cross(), precision.group_covariances()
    total = (parts.fixed * (V[:, :P, :P] @ parts.fixed)).sum(1)
    for i, (at, z) in enumerate(parts.border):
        total += 2 * z * (parts.fixed * V[:, :P, at]).sum(1)
        for j, (other, y) in enumerate(parts.border[: i + 1]):
            total += (1 if j == i else 2) * z * y * V[:, at, other]
    for a, z in enumerate(parts.columns):
        total += 2 * z * (parts.fixed * cross[:, a, :P][:, :, parts.index]).sum(1)
        for at, y in parts.border:
            total += 2 * z * y * cross[:, a, at, parts.index]
        for b, y in enumerate(parts.columns):
            total += z * y * own[:, a, b][:, parts.index]
    return total
