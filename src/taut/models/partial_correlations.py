r"""Correlation matrices by their partial correlations, unconstrained, and their LKJ prior.

K is the Cholesky factor of the correlation matrix, from z_ij = tanh(t_ij), j < i:

    K_ij = z_ij prod_{l<j} sqrt(1 - z_il^2),    K_ii = prod_{l<i} sqrt(1 - z_il^2).

Under LKJ(eta) the z are independent, (z_ij + 1) / 2 ~ Beta(b, b) with b = eta + (q - 2 - j) / 2 for column j from 0.

Source: D. Lewandowski, D. Kurowicka and H. Joe, Generating random correlation matrices based on vines and extended
onion method, 2009.
"""

from typing import Any

import numpy as np
from scipy.special import betaln


def correlation_root(partial: Any, q: int, xp: Any) -> list[list[Any]]:
    """The rows of K below and on the diagonal, a list of arrays `[...]` each.

    Args:
        partial: `[..., q(q-1)/2]` unconstrained numbers, by rows of the lower triangle.
        q: Size of the matrix.
        xp: NumPy or JAX's NumPy.

    Example:
        >>> root = correlation_root(np.array([np.arctanh(0.6)]), 2, np)
        >>> [round(float(x), 3) for row in root for x in row]
        [1.0, 0.6, 0.8]
    """
    z, at, rows = xp.tanh(partial), 0, []
    for i in range(q):
        left, row = xp.ones(partial.shape[:-1]), []
        for _ in range(i):
            row.append(z[..., at] * left)
            left = left / xp.cosh(partial[..., at])  # 1 - tanh^2 = 1 / cosh^2, which does not vanish by rounding
            at += 1
        rows.append([*row, left])
    return rows


def log_lkj(partial: Any, q: int, concentration: float, xp: Any) -> Any:
    """The log density of the unconstrained numbers under LKJ, `[...]`, in nats."""
    columns = np.array([j for i in range(q) for j in range(i)], dtype=float)
    b = concentration + (q - 2 - columns) / 2
    log_one_minus = 2 * (np.log(2) - xp.logaddexp(partial, -partial))
    return xp.sum(b * log_one_minus - betaln(b, b) - (2 * b - 1) * np.log(2), axis=-1)
