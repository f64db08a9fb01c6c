"""A pytree of arrays as rows."""

from typing import Any

import jax
import numpy as np

from taut.core.names import brief
from taut.data.given import Given, Rows
from taut.data.weights import checked_weights
from taut.errors import DataError
from taut.models.base import Model


def array_rows(model: Model, given: Given) -> Rows:
    """The arrays as they are, checked; a joint density, which has its data inside, is given one empty row.

    Rows of weight zero are left out.

    Raises:
        DataError: Data that the model does not take, values that are not finite, weights that cannot be used.
    """
    model.check_given(given.data)
    rows = np.zeros((1, 0)) if given.data is None else as_arrays(given.data)
    weights = checked_weights(given.sample_weight, jax.tree.leaves(rows)[0].shape[0])
    if weights is not None and not weights.all():  # such a row may hold anything: 0 times NaN is no 0
        counted = weights > 0
        rows, weights = jax.tree.map(lambda a: a[counted], rows), weights[counted]
    refuse_nonfinite(rows)
    return Rows(rows, weights, None, given.validation, given.transform)


def as_arrays(data: Any) -> Any:
    """A pytree of arrays; a list of numbers, or of lists of them, is one array.

    Raises:
        DataError: Text, single numbers, or anything else that is no array with rows in front.

    Example:
        >>> as_arrays({"y": [1.0, 2.0]})["y"].shape
        (2,)
    """
    arrays = jax.tree.map(_array, data, is_leaf=lambda part: isinstance(part, list) and _is_number(_first(part)))
    if not jax.tree.leaves(arrays):
        raise DataError(
            f"The data are {brief(data)}, which holds no array: give arrays with the rows in front, [n, ...]."
        )
    return arrays


def _first(part: Any) -> Any:
    while isinstance(part, list) and part:
        part = part[0]
    return part


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex, np.generic))


def _array(leaf: Any) -> np.ndarray:
    try:
        array = np.asarray(leaf)
    except ValueError:  # lists of unequal lengths
        raise DataError("The data are lists of unequal lengths: every row must have the same shape.") from None
    if array.dtype.kind not in "buifc" and array.dtype != object:
        raise DataError(
            f"The data hold {brief(leaf) if array.ndim == 0 else f'values of type {array.dtype}'}: numbers are needed, "
            "in arrays with the rows in front, [n, ...]. Read files first, e.g. with taut.data.load_images(path) or "
            "numpy.load(path)."
        )
    if array.ndim == 0 or array.dtype == object:
        raise DataError(f"The data hold {brief(leaf)}: arrays of numbers are needed, with the rows in front, [n, ...].")
    return array


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
