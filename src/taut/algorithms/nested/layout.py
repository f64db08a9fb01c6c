"""The linear predictor of a mixed model as arrays, and the order in which its unknowns are kept.

    eta = X beta + sum_k Z_k u_k[g_k] + offset,    w = (beta, u_1, ..., u_K)

The factor with the most unknowns is *eliminated*: given everything else its levels are independent, so that its part of
the precision is inverted level by level. All other unknowns are the *border*. Rows are sorted by the eliminated factor,
and every array keeps rows, or levels, on its last axis, where NumPy is fast: X is `[P, n]`, Z `[q, n]`, u `[q, G]`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

LogDensity = Callable[[np.ndarray], np.ndarray]


def half_normal(scale: float = 1.0) -> LogDensity:
    """The log density of a standard deviation under half-Normal(scale)."""
    constant = 0.5 * np.log(2 / np.pi) - np.log(scale)
    return lambda sd: constant - 0.5 * (sd / scale) ** 2


@dataclass(frozen=True, eq=False)
class Factor:
    """A grouping factor: each level has effects u ~ N(0, D), D from sds and correlations.

    Args:
        index: `[n]`, the level of each row, from 0 to levels - 1; every level has a row.
        columns: `[n, q]`, what each effect is multiplied by; a column of ones is an intercept.
        sd_prior: log density of each of the q sds.
        concentration: eta of the LKJ prior of the correlations.
        unit: the unit of the sds, from which their search starts.
    """

    index: np.ndarray
    columns: np.ndarray
    sd_prior: LogDensity = field(default_factory=half_normal)
    concentration: float = 2.0
    unit: float = 1.0

    def __post_init__(self):
        levels = np.unique(self.index)
        if len(levels) == 0 or levels[0] != 0 or levels[-1] != len(levels) - 1:
            raise ValueError("The levels of a factor are numbered 0, 1, ..., and each must have a row.")

    @property
    def levels(self) -> int:
        """The number of levels G."""
        return int(self.index.max()) + 1

    @property
    def width(self) -> int:
        """The number of effects q of each level."""
        return self.columns.shape[1]

    @property
    def size(self) -> int:
        """The number of unknowns."""
        return self.levels * self.width

    def take(self, rows: np.ndarray) -> "Factor":
        """The factor on these rows."""
        return replace(self, index=self.index[rows], columns=self.columns[rows])


class Layout:
    """The linear predictor, its rows sorted by the eliminated factor.

    Args:
        fixed: `[n, P]`, the columns of beta.
        factors: the grouping factors, in the order in which t lists their scales.
        offset: `[n]`, or none for zeros.
        mean, sd: `[P]`, the independent normal prior of beta.

    Attributes:
        order: `[n]`, which row of the arguments stands at each place.
        starts: `[G]`, the first row of each level of the eliminated factor.
        border: the positions of the factors in the border, `(factor, slice)`.
    """

    def __init__(
        self,
        fixed: np.ndarray,
        factors: Sequence[Factor] = (),
        offset: np.ndarray | None = None,
        mean: np.ndarray | float = 0.0,
        sd: np.ndarray | float = 2.5,
    ):
        rows, columns = fixed.shape
        self.listed = tuple(factors)
        # Without a factor, one level with a column of zeros and prior N(0, 1) stands in: it takes no part in anything.
        absent = Factor(np.zeros(rows, int), np.zeros((rows, 1)))
        self.last = max(range(len(factors)), key=lambda k: factors[k].size) if factors else None
        eliminated = absent if self.last is None else factors[self.last]
        self.order = np.argsort(eliminated.index, kind="stable")
        self.eliminated = eliminated.take(self.order)
        self.factors = tuple(factor.take(self.order) for factor in factors)
        self.fixed = np.ascontiguousarray(fixed[self.order].T, dtype=float)
        self.index = self.eliminated.index
        self.columns = np.ascontiguousarray(self.eliminated.columns.T, dtype=float)
        self.starts = np.searchsorted(self.index, np.arange(self.eliminated.levels))
        self.offset = np.zeros(rows) if offset is None else np.asarray(offset, float)[self.order]
        self.mean, self.sd = (np.broadcast_to(np.asarray(x, float), columns) for x in (mean, sd))
        self.border, self.width = [], columns
        for k, factor in enumerate(self.factors):
            if k != self.last:
                self.border.append((k, slice(self.width, self.width + factor.size)))
                self.width += factor.size

    @property
    def rows(self) -> int:
        """The number of rows n."""
        return len(self.index)

    @property
    def size(self) -> int:
        """The number of unknowns: those of the border, then those of the eliminated factor."""
        return self.width + self.eliminated.size

    def effects(self, k: int) -> slice:
        """Where the effects of a factor stand in w, as `[q, G]` in C order."""
        if k == self.last:
            return slice(self.width, self.size)
        return next(place for other, place in self.border if other == k)

    def effect_places(self, k: int) -> np.ndarray:
        """The coordinates in w of a factor's effects, `[q, G]`."""
        place = self.effects(k)
        return np.arange(place.start, place.stop).reshape(self.factors[k].width, -1)

    def sparse(self) -> sp.csr_matrix:
        """The border's columns as a sparse `[n, B]`."""
        blocks = [sp.csr_matrix(self.fixed.T)]
        for k, _ in self.border:
            factor = self.factors[k]
            for z in factor.columns.T:
                shape = (self.rows, factor.levels)
                blocks.append(sp.csr_matrix((z, (np.arange(self.rows), factor.index)), shape))
        return sp.csr_matrix(sp.hstack(blocks))

    def dense(self) -> np.ndarray:
        """The border's columns as a dense `[B, n]`."""
        return np.ascontiguousarray(self.sparse().toarray().T)

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sums over the rows of each level of the eliminated factor: `[..., n] -> [..., G]`."""
        return np.add.reduceat(rows, self.starts, axis=-1)
