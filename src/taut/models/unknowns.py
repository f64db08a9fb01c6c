"""The adapter from unconstrained vectors to named, constrained values."""

import abc
import math
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core import precision
from taut.core.names import brief, suggestion
from taut.core.trees import is_float_array
from taut.errors import ArgumentError
from taut.models.support import BY_NUMBER, ONE_SIGNED, Support
from taut.models.supports import SUPPORTS, written


class Unknowns(eqx.Module):
    """Named unknowns as one unconstrained vector.

    Attributes:
        names: of the unknowns, in the order of the vector.
        kinds: for each the set in which it lives, "real", "positive", ...
        free_shapes: for each the shape of its unconstrained value.
        origin: the vector at which a fit starts.
    """

    names: eqx.AbstractVar[tuple[str, ...]]
    kinds: eqx.AbstractVar[tuple[str, ...]]
    free_shapes: eqx.AbstractVar[tuple[tuple[int, ...], ...]]
    origin: eqx.AbstractVar[Float[np.ndarray, " D"]]

    @abc.abstractmethod
    def constrain(self, z: Float[Array, " D"]) -> tuple[Any, Float[Array, ""]]:
        """The named values at z, and the log-determinant of the Jacobian of z -> values, in nats."""

    @abc.abstractmethod
    def to_vector(self, values: Any) -> Float[Array, " D"]:
        """The unconstrained vector of named values."""

    @property
    def order(self) -> tuple[str, ...]:
        """The names in the order in which they are shown: as they were declared, whatever the order of the vector."""
        return self.names

    @property
    def one_signed(self) -> frozenset[str]:
        """The unknowns whose support settles their sign, so that P(> 0) says nothing."""
        return frozenset(name for name, kind in zip(self.names, self.kinds, strict=True) if kind in ONE_SIGNED)

    def coordinates(self) -> list[tuple[str, str]]:
        """For each place of the vector what a person calls it, and the kind of set its value lives in."""
        found = []
        for name, kind, shape in zip(self.names, self.kinds, self.free_shapes, strict=True):
            found += [(name + (f"[{', '.join(map(str, at))}]" if at else ""), kind) for at in np.ndindex(shape)]
        return found

    def place(self, z: Float[np.ndarray, " D"], axis: int) -> tuple[str, float | None]:
        """What a person calls a place of the vector, and the constrained value at z where it is one number of its own.

        Example:
            >>> from taut.models.supports import positive, real
            >>> Parameters({"mu": real(), "tau": positive(2)}).place(np.zeros(3), 2)
            ('tau[1]', 1.0)
        """
        name, kind = self.coordinates()[axis]
        if kind not in BY_NUMBER:
            return name, None
        with precision.context("float64"):
            values = self.constrain(jnp.asarray(z, float))[0]
        for path, value in jax.tree_util.tree_leaves_with_path(eqx.filter(values, is_float_array)):
            base, value = _name(path), np.asarray(value)
            for at in np.ndindex(value.shape):
                if name == base + (f"[{', '.join(map(str, at))}]" if at else ""):
                    return name, float(value[at])
        return name, None


class Parameters(Unknowns):
    """Unknowns of given supports: the only place that knows of constraints.

    Args:
        template: a pytree whose leaves are supports, or floating arrays (real, of that shape, starting at these values:
            a network's weights can be the unknown); other leaves (an activation function) are kept as they are.

    Example:
        >>> from taut.models.supports import positive, real
        >>> p = Parameters({"mu": real(), "tau": positive()})
        >>> values, log_jacobian = p.constrain(jnp.zeros(2))
        >>> float(values["tau"]), float(log_jacobian)
        (1.0, 0.0)
    """

    supports: tuple[Support, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    origin: Float[np.ndarray, " D"]
    rest: Any
    places: Any = eqx.field(static=True)
    declared: tuple[str, ...] = eqx.field(static=True, metadata={"fingerprint": False})

    def __init__(self, template: Any):
        def is_support(x):
            return isinstance(x, Support) or _of_numpyro(x)

        def unknown(x):
            return is_support(x) or is_float_array(x)

        try:
            leaves = jax.tree_util.tree_leaves_with_path(template, is_leaf=is_support)
        except ValueError as error:
            raise ArgumentError(f"parameters={template!r}: the names must all be texts.") from error
        for path, leaf in leaves:
            if path:
                _refuse_leaf(_name(path), leaf)
        found = [(path, leaf) for path, leaf in leaves if unknown(leaf)]
        if not found:
            raise ArgumentError(
                f"parameters={template!r} names no unknown; give e.g. {{'mu': real(), 'tau': positive(), 'theta': "
                "real(8)}. A start is given as a floating array, e.g. np.array(3.0)."
            )
        self.names = tuple(_name(path) for path, _ in found)
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise ArgumentError(f"parameters= names {twice[0]!r} twice; give every unknown a name of its own.")
        as_declared = jax.tree_util.tree_leaves_with_path(_keeping_order(template), is_leaf=is_support)
        self.declared = tuple(_name(path) for path, leaf in as_declared if unknown(leaf))
        self.supports = tuple(leaf if is_support(leaf) else Support("real", leaf.shape) for _, leaf in found)
        start = [
            np.zeros(s.free_shape) if is_support(leaf) else np.asarray(leaf, float)
            for s, (_, leaf) in zip(self.supports, found, strict=True)
        ]
        self.origin = np.concatenate([a.ravel() for a in start])
        self.rest = jax.tree.map(lambda x: None if unknown(x) else x, template, is_leaf=is_support)
        self.places = jax.tree.structure(
            jax.tree.map(lambda x: 0 if unknown(x) else None, template, is_leaf=is_support)
        )

    @property
    def order(self):
        """As declared: JAX sorts the keys of dictionaries, and the vector follows JAX."""
        return self.declared

    @property
    def one_signed(self):
        """By the supports."""
        return frozenset(name for name, s in zip(self.names, self.supports, strict=True) if s.one_signed)

    @property
    def kinds(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of the supports."""
        return tuple(s.kind for s in self.supports)

    @property
    def free_shapes(self) -> tuple[tuple[int, ...], ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of the supports."""
        return tuple(s.free_shape for s in self.supports)

    def constrain(self, z):
        """The named values at z, and the log-determinant of the Jacobian of z -> values, in nats."""
        free, at = {}, 0
        for name, support in zip(self.names, self.supports, strict=True):
            size = math.prod(support.free_shape)
            free[name] = z[at : at + size].reshape(support.free_shape)
            at += size
        found = _Constrained(dict(zip(self.names, self.supports, strict=True)), free)
        values, log_jacobian = [found[name] for name in self.names], jnp.zeros((), z.dtype)
        for name, value in zip(self.names, values, strict=True):
            if name in found.transforms:
                log_jacobian += jnp.sum(found.transforms[name].log_abs_det_jacobian(free[name], value))
        return eqx.combine(jax.tree.unflatten(self.places, values), self.rest), log_jacobian

    def to_vector(self, values):
        """The unconstrained vector of named values."""
        leaves = self.places.flatten_up_to(values)
        others = dict(zip(self.names, leaves, strict=True))
        free = [
            v if s.kind == "real" else s.given(others)._inverse(jnp.asarray(v))
            for s, v in zip(self.supports, leaves, strict=True)
        ]
        return jnp.concatenate([jnp.ravel(f) for f in free])


class _Constrained(Mapping):
    """The constrained values by name, each computed when it is asked for: bounds may be functions of other unknowns.

    The Jacobian is then triangular in the order of asking, so that its determinant is still the product of the parts.

    Attributes:
        transforms: by name, of the values that are not the free numbers themselves.
    """

    def __init__(self, supports: dict[str, Support], free: dict[str, Any]):
        self._supports, self._free = supports, free
        self._values: dict[str, Any] = {}
        self._asked: list[str] = []
        self.transforms: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            if name in self._asked:
                circle = " -> ".join([*self._asked[self._asked.index(name) :], name])
                raise ArgumentError(
                    f"The bounds depend on each other in a circle: {circle}. Give one of them a number."
                )
            support, free = self._supports[name], self._free[name]
            self._asked.append(name)
            if support.kind != "real":
                self.transforms[name] = support.given(self)
            self._values[name] = self.transforms[name](free) if name in self.transforms else free
            self._asked.pop()
        return self._values[name]

    def __iter__(self):
        return iter(self._supports)

    def __len__(self):
        return len(self._supports)


def _of_numpyro(x: Any) -> bool:
    return type(x).__module__.startswith("numpyro.")


def _refuse_leaf(name: str, leaf: Any) -> None:
    """Refuse what was meant as an unknown and is none."""
    if callable(leaf) and leaf in SUPPORTS.values():
        call = written(leaf.__name__)
        raise ArgumentError(f"The support of {name} was given without being called; write e.g. {name}={call}.")
    if isinstance(leaf, str):
        call = written(leaf)
        remedy = f"write {name}={call}" if call else f"write e.g. {name}=positive(){_near(leaf)}"
        raise ArgumentError(
            f"{name}={brief(leaf)} is a text; the support of {name} is what a function of taut.models makes: {remedy}."
        )
    if _of_numpyro(leaf):
        call = written(type(leaf).__name__) or "real()"
        raise ArgumentError(
            f"{name} was given as NumPyro's {type(leaf).__name__.strip('_')}. The support is one of taut.models, e.g. "
            f"{name}={call}; its prior is part of the log density. A NumPyro model is fitted by from_numpyro."
        )
    if is_float_array(leaf) and not leaf.size:
        raise ArgumentError(f"{name} is an array of shape {leaf.shape} without a number in it.")


def _near(word: str) -> str:
    near = suggestion(word, SUPPORTS)
    return f".{near[:-1]}" if near else ""


def _keeping_order(template: Any) -> Any:
    """The template with dictionaries that JAX does not sort."""
    if type(template) is dict:
        return OrderedDict((name, _keeping_order(x)) for name, x in template.items())
    return template


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
