"""Weights of rows, checked."""

from typing import Any

import numpy as np

from taut.core.names import brief
from taut.errors import DataError


def checked_weights(sample_weight: Any, size: int, name: str = "sample_weight") -> np.ndarray | None:
    """Row weights as an array `[size]`, None where none were given; `name` is what messages call them.

    Raises:
        DataError: Weights of another number, negative, not finite or all zero.
    """
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, float)
    except (TypeError, ValueError):
        raise DataError(f"sample_weight={brief(sample_weight)}: one number for each row is needed.") from None
    if weights.shape != (size,):
        raise DataError(f"{name} has shape {weights.shape}; one number for each of the {size} rows is needed.")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or not np.any(weights > 0):
        raise DataError(f"{name} must be finite, none negative and at least one positive.")
    return weights
