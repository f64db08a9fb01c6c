"""The dtype of a fit, chosen locally: regressions run in double precision without touching the global switch."""

import contextlib
from typing import Any

import jax
import numpy as np

from taut.errors import ArgumentError


def resolve(dtype: Any) -> np.dtype:
    """`dtype` as one of float32 and float64.

    Raises:
        ArgumentError: any other dtype.
    """
    try:
        resolved = np.dtype(dtype)
    except TypeError:
        resolved = None
    if resolved is None or resolved not in (np.dtype("float32"), np.dtype("float64")):
        raise ArgumentError(f"dtype={dtype!r}: fits run in 'float32' or 'float64'; pass one of the two.")
    return resolved


def context(dtype: Any) -> contextlib.AbstractContextManager:
    """Within it JAX computes in `dtype`; outside nothing changes.

    Example:
        >>> with context("float64"):
        ...     print(jax.numpy.zeros(()).dtype)
        float64
    """
    return jax.enable_x64(resolve(dtype) == np.dtype("float64"))
