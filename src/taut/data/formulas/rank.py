"""Columns that are sums of others."""

from collections.abc import Sequence

import numpy as np

from taut.data.wording import listing, quoted
from taut.errors import DataError

TOLERANCE = 1e-9
"""Share of a column's length that must be left once what other columns explain is taken away."""
MATTERS = 1e-6


def refuse_collinear(names: Sequence[str], X: np.ndarray) -> None:
    """Refuse a design matrix (`[n, P]`) of which a column is zero or a sum of multiples of the ones before it.

    With as many independent columns as rows every further one is such a sum: that is no mistake, and the prior decides.

    Raises:
        DataError: naming the columns.

    Example:
        >>> refuse_collinear(["a", "b"], np.array([[1.0, 2.0], [3.0, 6.0], [0.0, 0.0]]))
        Traceback (most recent call last):
        taut.errors.DataError: Collinear columns: 'b' follows from 'a'. Their coefficients cannot be told apart...
    """
    lengths = np.linalg.norm(X, axis=0)
    if (empty := lengths == 0).any():
        found = quoted(np.array(names)[empty])
        raise DataError(
            f"Columns that are zero in every row: {found}. No row has this combination of levels: leave the "
            "interaction out, or merge levels."
        )
    R = np.asarray(np.linalg.qr(X / lengths, mode="r"))
    basis, kept, found = np.zeros((len(R), 0)), [], []
    for j in range(R.shape[1]):
        if len(kept) == len(X):
            break
        left = R[:, j] - basis @ (basis.T @ R[:, j])
        left -= basis @ (basis.T @ left)
        length = np.linalg.norm(left)
        if length > TOLERANCE:
            basis = np.column_stack([basis, left / length])
            kept.append(j)
        else:
            share = np.linalg.lstsq(R[:, kept], R[:, j])[0]
            others = [names[k] for k, weight in zip(kept, share, strict=True) if abs(weight) > MATTERS]
            found.append(f"'{names[j]}' follows from {quoted(others, 3)}")
    if found:
        raise DataError(
            f"Collinear columns: {listing(found)}. Their coefficients cannot be told apart: leave a term out of the "
            "formula."
        )
