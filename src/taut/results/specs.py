"""Parts of Taut's own as plain JSON and back: a class by its name, its fields by value, an array by shape and dtype.

A saved fit is rebuilt from this without running any of its content: names are looked up among Taut's own classes, and
what is not among them (a user's network, a function in a constraint) has no spec.
"""

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut import algorithms, families, gradients, models, networks, objectives
from taut.core.array_files import is_array
from taut.errors import SavedFitError

ROOMS = (algorithms, families, gradients, models, networks, objectives)
"""The rooms whose Equinox modules can be parts of a saved fit."""
FOREIGN = (eqx.nn.Conv2d, eqx.nn.ConvTranspose2d)
"""Classes of other libraries that the built-in networks are made of."""
ACTIVATIONS: dict[str, Callable] = {
    name: getattr(jax.nn, name) for name in ("relu", "gelu", "silu", "elu", "selu", "softplus", "sigmoid", "tanh")
}


def _room_and_name(path: str) -> tuple[str, str]:
    """What a saved class is found by, so that its module may move within its room."""
    _, _, inside = path.partition(".")
    return inside.partition(".")[0], inside.rpartition(".")[2]


def _place(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


@functools.cache
def classes() -> dict[tuple[str, str], type]:
    """The classes that a saved fit may name, by room and name: every finished Equinox module that a room defines."""
    found, below = {}, [eqx.Module]
    while below:
        kind = below.pop()
        below += kind.__subclasses__()
        inside = any(kind.__module__.startswith(f"{room.__name__}.") for room in ROOMS)
        # Equinox makes classes of its own with the names of ours.
        own = inside and getattr(sys.modules[kind.__module__], kind.__name__, None) is kind
        if own and not inspect.isabstract(kind):
            found[_room_and_name(_place(kind))] = kind
    return found | {_room_and_name(_place(kind)): kind for kind in FOREIGN}


class Foreign(Exception):
    """A value that is none of Taut's own parts."""


def spec(part: Any) -> Any:
    """`part` as plain JSON.

    Raises:
        Foreign: naming what in it is not Taut's own.

    Example:
        >>> spec(objectives.Weighted(4.0))
        {'class': 'taut.objectives.weighted.Weighted', 'fields': {'beta': {'number': 4.0, 'dtype': 'float64'}}}
    """
    if part is None or type(part) in (str, bool, int, float):
        return part
    if isinstance(part, np.floating):
        return {"number": float(part), "dtype": str(part.dtype)}
    if is_array(part):
        return {"array": list(np.shape(part)), "dtype": str(np.asarray(part).dtype)}
    if isinstance(part, (tuple, list)):
        return {"tuple": [spec(x) for x in part]}
    for name, function in ACTIVATIONS.items():
        if part is function:
            return {"activation": name}
    kind = _place(type(part))
    if classes().get(_room_and_name(kind)) is not type(part):
        raise Foreign(getattr(part, "__qualname__", kind))
    names = [field.name for field in dataclasses.fields(part)]
    return {"class": kind, "fields": {name: spec(getattr(part, name)) for name in names}}


def spec_or_none(part: Any) -> Any:
    """`spec(part)`, or None where it has none."""
    try:
        return spec(part)
    except Foreign:
        return None


def build(said: Any) -> Any:
    """The part that `spec` described, its arrays zero.

    Raises:
        SavedFitError: a class that is not in the table, or with other fields.

    Example:
        >>> build(spec(objectives.Weighted(4.0))).name
        'beta=4'
    """
    if not isinstance(said, dict):
        return said
    if "number" in said:
        return np.dtype(said["dtype"]).type(said["number"])
    if "array" in said:
        return np.zeros(said["array"], said["dtype"])
    if "tuple" in said:
        return tuple(build(x) for x in said["tuple"])
    if "activation" in said:
        return ACTIVATIONS[said["activation"]]
    kind = classes().get(_room_and_name(said["class"]))
    if kind is None:
        raise SavedFitError(f"The saved fit names {said['class']!r}, which is no part of this version of Taut.")
    if set(said["fields"]) != {field.name for field in dataclasses.fields(kind)}:
        raise SavedFitError(f"The saved {kind.__name__} has other fields than that of this version of Taut: fit again.")
    part = object.__new__(kind)  # as JAX rebuilds a pytree: what was checked when it was made is not checked again
    for name, value in said["fields"].items():
        object.__setattr__(part, name, build(value))
    return part
