"""Quantities derived from the unknowns of a log density: reported beside them, and no part of the density."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.core.names import brief
from taut.errors import ArgumentError
from taut.models.checks.structure import called
from taut.models.unknowns import Unknowns

WRITTEN = "derived=lambda v: {'ratio': v['a'] / v['b']}"
"""How it is written."""


class Derived(eqx.Module):
    """A function from the dict of the unknowns to a dict of the quantities derived from them.

    A comparison gives a probability: true is 1 and false is 0.

    Attributes:
        function: as given.
        names: of the quantities, in the order in which the function has them.
    """

    function: Callable
    names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, function: Any, parameters: Unknowns):
        if not callable(function):
            raise ArgumentError(f"derived={brief(function)} is not a function; write e.g. {WRITTEN}.")
        self.function, found = function, {}

        def look(values):
            seen: Any = function(values)
            _refuse(seen, values)
            found.update(dict.fromkeys(seen))
            return {name: _as_float(x, jnp.zeros(())) for name, x in seen.items()}

        values = eqx.filter_eval_shape(
            lambda z: parameters.constrain(z)[0], jax.ShapeDtypeStruct(parameters.origin.shape, jnp.zeros(()).dtype)
        )
        called("derived", look, parameters.names, values)
        self.names = tuple(found)

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """The unknowns, and what is derived from them."""
        like = next(x for x in jax.tree.leaves(values) if eqx.is_inexact_array(x))
        return values | {name: _as_float(x, like) for name, x in self.function(values).items()}


def _as_float(x: Any, like: Any) -> Any:
    return jnp.asarray(x, like.dtype)


def _refuse(seen: Any, values: Any) -> None:
    """Refuse what is no dict of new names and of numbers."""
    if not isinstance(values, dict):
        raise ArgumentError("derived= needs unknowns with names: give parameters= as a dict, e.g. {'a': real()}.")
    if not isinstance(seen, dict) or not all(isinstance(name, str) for name in seen):
        received = "nothing" if seen is None else "an array" if hasattr(seen, "dtype") else brief(seen)
        raise ArgumentError(f"derived returns {received}; a dict of quantities by name is needed, e.g. {WRITTEN}.")
    twice = [name for name in seen if name in values]
    if twice:
        raise ArgumentError(f"derived returns {twice[0]!r}, which is the name of an unknown; give it another name.")
    for name, x in seen.items():
        try:
            dtype = jnp.asarray(x).dtype
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"derived gives {name} = {brief(x)}; a number or an array is needed.") from error
        if np.issubdtype(dtype, np.complexfloating) or 0 in np.shape(x):
            raise ArgumentError(
                f"derived gives {name} as an array of shape {np.shape(x)} and dtype {dtype}; real numbers are needed."
            )
