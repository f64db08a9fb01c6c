"""Small helpers on pytrees whose leaves are not all arrays (a network carries its activation function)."""

import dataclasses
import re
import zlib
from typing import Any

import equinox as eqx
import jax
import numpy as np

ROOMS = re.compile(r"^taut\.(?:[a-z_0-9]+\.)+(?=[A-Za-z_]\w*(?:\.<locals>\..+)?$)")
"""The modules between `taut` and the name of one of its parts."""


def stop_gradient(tree: Any) -> Any:
    """`lax.stop_gradient` on every floating leaf, and nothing on the others."""
    return jax.tree.map(lambda x: jax.lax.stop_gradient(x) if eqx.is_inexact_array(x) else x, tree)


def cast(tree: Any, dtype: Any) -> Any:
    """Every floating array leaf as a NumPy array of `dtype`: in host memory nothing is compiled to build a problem."""
    return jax.tree.map(lambda x: np.asarray(x, dtype) if is_float_array(x) else x, tree)


def is_float_array(x: Any) -> bool:
    """Whether `x` is a JAX or NumPy array of floating type (Python floats are hyperparameters, not arrays)."""
    return isinstance(x, (jax.Array, np.ndarray)) and np.issubdtype(np.dtype(x.dtype), np.floating)


def describe(value: Any) -> Any:
    """`value` as plain JSON: modules by class and field, arrays by content, functions by qualified name.

    This is the fingerprint of checkpoints and saved fits. It never holds an address, so it is equal in another process.
    A field with the metadata `fingerprint=False` is for show, and a `jax.ShapeDtypeStruct` stands for an array whose
    content does not matter.
    """
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, (np.generic, np.ndarray, jax.Array)) and np.ndim(value) == 0:
        return np.asarray(value).item()
    if isinstance(value, (jax.Array, np.ndarray, jax.ShapeDtypeStruct)):
        kind = {"array": list(value.shape), "dtype": str(value.dtype)}
        if isinstance(value, jax.ShapeDtypeStruct):
            return kind
        return kind | {"checksum": zlib.crc32(np.ascontiguousarray(value).tobytes())}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        told = [f for f in dataclasses.fields(value) if f.metadata.get("fingerprint", True)]
        fields = {f.name: describe(getattr(value, f.name)) for f in told}
        return {"class": _place(type(value)), **fields}
    if isinstance(value, dict):
        return {str(k): describe(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [describe(v) for v in value]
    return _place(value if hasattr(value, "__qualname__") else type(value))


def _place(part: Any) -> str:
    """Where a class or function is defined; of Taut's own parts the name alone, so that their modules may move."""
    module = str(getattr(part, "__module__", type(part).__module__))
    return f"{'taut' if module.split('.')[0] == 'taut' else module}.{part.__qualname__}"


def without_rooms(description: Any) -> Any:
    """A description that version 0.1.0 wrote, which names the modules of Taut's own parts, as `describe` writes it now.

    Example:
        >>> without_rooms({"class": "taut.models.prior.Normal", "scale": 1.0})
        {'class': 'taut.Normal', 'scale': 1.0}
    """
    if isinstance(description, dict):
        return {name: without_rooms(value) for name, value in description.items()}
    if isinstance(description, list):
        return [without_rooms(value) for value in description]
    if isinstance(description, str):
        return ROOMS.sub("taut.", description)
    return description
