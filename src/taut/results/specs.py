"""Parts of Taut's own as plain JSON and back: a class by its name, its fields by value, an array by shape and dtype.

A saved fit is rebuilt from this without running any of its content: names are looked up among Taut's own classes, and
what is not among them (a user's network, a function in a constraint) has no spec.
"""

import contextlib
import dataclasses
import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut import algorithms, families, gradients, models, networks, objectives
from taut.core.array_files import is_array
from taut.core.schema import FLAG, NUMBER, SCALAR, TEXT, Kept, each, entries, one_of, whole
from taut.errors import SavedFitError

ROOMS = (algorithms, families, gradients, models, networks, objectives)
"""The rooms whose Equinox modules can be parts of a saved fit."""
FOREIGN = (eqx.nn.Conv2d, eqx.nn.ConvTranspose2d)
"""Classes of other libraries that the built-in networks are made of."""
ACTIVATIONS: dict[str, Callable] = {
    name: getattr(jax.nn, name) for name in ("relu", "gelu", "silu", "elu", "selu", "softplus", "sigmoid", "tanh")
}


PLAIN: dict[Any, Kept] = {bool: FLAG, int: whole(), float: NUMBER, str: TEXT}
"""What fields that are annotated by a plain type must hold."""


def _room_and_name(path: str) -> tuple[str, str]:
    """What a saved class is found by, so that its module may move within its room."""
    _, _, inside = path.partition(".")
    return inside.partition(".")[0], inside.rpartition(".")[2]


def _place(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _in_a_room(module: str) -> bool:
    return any(module.startswith(f"{room.__name__}.") for room in ROOMS)


def _may_be_named(kind: Any) -> bool:
    """Whether a saved fit may name a class: a finished Equinox module that a room defines, or one of `FOREIGN`."""
    if kind in FOREIGN:
        return True
    if not (isinstance(kind, type) and issubclass(kind, eqx.Module) and _in_a_room(kind.__module__)):
        return False
    # Equinox makes classes of its own with the names of ours.
    own = getattr(sys.modules[kind.__module__], kind.__name__, None) is kind
    return own and not inspect.isabstract(kind)


@functools.cache
def classes() -> dict[tuple[str, str], type]:
    """The classes that a saved fit may name, by room and name. All parts of all rooms are loaded for it."""
    for room in ROOMS:
        for name in dir(room):
            getattr(room, name)
    found, below = {}, [eqx.Module]
    while below:
        kind = below.pop()
        below += kind.__subclasses__()
        if _may_be_named(kind):
            found[_room_and_name(_place(kind))] = kind
    return found | {_room_and_name(_place(kind)): kind for kind in FOREIGN}


def _named(path: str) -> type | None:
    """The class that a saved fit names: at its place, or elsewhere in its room where its module has moved since."""
    module, _, name = path.rpartition(".")
    if _in_a_room(module):
        with contextlib.suppress(ImportError):
            kind = getattr(importlib.import_module(module), name, None)
            if _may_be_named(kind):
                return kind
    return classes().get(_room_and_name(path))


OF_NUMBER = entries({"number": NUMBER, "dtype": one_of("float64", "float32", "float16")})
OF_ARRAY = entries({"array": each(whole(0, 2**48)), "dtype": one_of(*map(str, map(np.dtype, "?bhilqBHILQefd")))})
"""Numbers and arrays as `spec` gives them."""


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
    if not _may_be_named(type(part)):
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

    The arrays are views of one zero: their shapes come from a file, and so may be of any size.

    Raises:
        SavedFitError: a class that is not in the table, or with other fields.
        ValueError: something else than `spec` gives.

    Example:
        >>> build(spec(objectives.Weighted(4.0))).name
        'beta=4'
    """
    if not isinstance(said, dict):
        SCALAR.check(said, "a value")
        return said
    if "number" in said:
        OF_NUMBER.check(said)
        return np.dtype(said["dtype"]).type(said["number"])
    if "array" in said:
        OF_ARRAY.check(said)
        return np.broadcast_to(np.zeros((), said["dtype"]), said["array"])
    if "tuple" in said:
        return tuple(build(x) for x in said["tuple"])
    if "activation" in said:
        return ACTIVATIONS[said["activation"]]
    kind = _named(said["class"])
    if kind is None:
        raise SavedFitError(
            f"The saved fit names {said['class']!r}, which is no part of this version of Taut; load it with "
            "the version that wrote it, or fit again."
        )
    if set(said["fields"]) != {field.name for field in dataclasses.fields(kind)}:
        raise SavedFitError(f"The saved {kind.__name__} has other fields than that of this version of Taut: fit again.")
    part = object.__new__(kind)  # as JAX rebuilds a pytree; `check` asks, with the arrays in it, what making it asks
    for name, value in said["fields"].items():
        object.__setattr__(part, name, build(value))
    return part


def check(part: Any) -> None:
    """Ask of a part from a file what is asked of one that is made: the types of its plain fields, and its own checks.

    Raises:
        ValueError: naming the class and the field.
    """
    if isinstance(part, (tuple, list)):
        for one in part:
            check(one)
    if not isinstance(part, eqx.Module):
        return
    for field in dataclasses.fields(part):
        value, kept = getattr(part, field.name), PLAIN.get(field.type)
        of = typing.get_args(field.type)[:1] if typing.get_origin(field.type) is tuple else ()
        plain = of and isinstance(of[0], type)
        if plain and not (isinstance(value, tuple) and all(isinstance(x, of) for x in value)):
            raise ValueError(f"{type(part).__name__}.{field.name} is not of type {field.type}")
        if kept is not None:
            number = np.asarray(value).item() if is_array(value) and np.size(value) == 1 else value
            kept.check(number, f"{type(part).__name__}.{field.name}")
        check(value)
    for kind in type(part).__mro__:
        if "__check_init__" in vars(kind):
            vars(kind)["__check_init__"](part)
