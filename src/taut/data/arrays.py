"""A pytree of arrays as rows."""

from typing import Any

import jax
import numpy as np

from taut.data.given import Given, Rows, checked_weights
from taut.errors import DataError
from taut.models.base import Model


def array_rows(model: Model, given: Given) -> Rows:
    """The arrays as they are, checked; a joint density, which has its data inside, is given one empty row.

    Rows of weight zero are left out.

    Raises:
        DataError: Data that the model does not take, values that are not finite, weights that cannot be used.
    """
    model.check_given(given.data)
    rows = np.zeros((1, 0)) if given.data is None else jax.tree.map(np.asarray, given.data)
    weights = checked_weights(given.sample_weight, jax.tree.leaves(rows)[0].shape[0])
    if weights is not None and not weights.all():  # such a row may hold anything: 0 times NaN is no 0
        counted = weights > 0
        rows, weights = jax.tree.map(lambda a: a[counted], rows), weights[counted]
    refuse_nonfinite(rows)
    return Rows(rows, weights, None, given.validation, given.transform)


def refuse_nonfinite(rows: Any) -> None:
    """Refuse arrays with values that are not finite.

    Raises:
        DataError: Naming the array, how many values, and the first row.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(rows):
        bad = ~np.isfinite(leaf) if np.issubdtype(leaf.dtype, np.floating) else np.zeros(leaf.shape, bool)
        if bad.any():
            first = int(np.argwhere(bad)[0][0])
            raise DataError(
                f"data{jax.tree_util.keystr(path)} has {bad.sum()} values that are not finite, the first in row "
                f"{first}: remove them."
            )
