"""Small helpers on pytrees whose leaves are not all arrays (a network carries its activation function)."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np


def stop_gradient(tree: Any) -> Any:
    """`lax.stop_gradient` on every floating leaf, and nothing on the others."""
    return jax.tree.map(lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x, tree)


def cast(tree: Any, dtype: Any) -> Any:
    """Every floating array leaf as a NumPy array of `dtype`: host memory, so that nothing is compiled to build a problem."""
    return jax.tree.map(lambda x: np.asarray(x, dtype) if is_float_array(x) else x, tree)


def is_float_array(x: Any) -> bool:
    """Whether `x` is a JAX or NumPy array of floating type (Python floats are hyperparameters, not arrays)."""
    return isinstance(x, (jax.Array, np.ndarray)) and np.issubdtype(np.dtype(x.dtype), np.floating)


def describe(value: Any) -> Any:
    """`value` as plain JSON: modules by class and field, arrays by shape and dtype, functions by qualified name.

    Two problems with equal descriptions have the same structure, so that one's saved arrays fit the other: this is
    the fingerprint of checkpoints and saved fits. It never holds an address, so it is equal in another process.
    """
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return {"array": list(value.shape), "dtype": str(value.dtype)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: describe(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", **fields}
    if isinstance(value, dict):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [describe(v) for v in value]
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{getattr(value, '__module__', type(value).__module__)}.{name}"
