"""The names of Taut's parts, found by asking the rooms: what `taut.fit`, the command line and messages call them."""

from collections.abc import Mapping
from typing import Any

from taut import algorithms, families, gradients, models
from taut.algorithms import Algorithm
from taut.core.names import brief, find, unknown
from taut.core.parts import public, short
from taut.errors import ArgumentError
from taut.families import Family
from taut.gradients import ControlVariate, Gradient
from taut.models import TableRegression

FAMILIES: Mapping[str, type[Family]] = {f.name: f for f in public(families, Family) if f.by_name}
GRADIENTS: Mapping[str, type[Gradient]] = {
    name: g for g in public(gradients, Gradient) for name in (g.name, *g.aliases)
}
CONTROLS: Mapping[str, type[ControlVariate]] = {c.name: c for c in public(gradients, ControlVariate)}
ALGORITHMS: Mapping[str, type[Algorithm]] = {a.name: a for a in public(algorithms, Algorithm)}
REGRESSIONS: Mapping[str, type[TableRegression]] = {
    short(r.name).removesuffix("-regression"): r for r in public(models, TableRegression)
}


def named(sentence: str, value: Any, known: Mapping[str, type], abstract: type) -> Any:
    """`value` as a part: an instance or a class as it is, or what a name in `known` stands for.

    Args:
        sentence: Name of the argument, for the message.
        value: What was received.
        known: Classes by name.
        abstract: Their base class.

    Raises:
        ArgumentError: An unknown name, with the known ones and the closest.
    """
    if isinstance(value, abstract) or (isinstance(value, type) and issubclass(value, abstract)):
        return value
    name = find(value, known)
    if name is not None:
        return known[name]
    instance = f"an instance of taut's {abstract.__name__}"
    if not known:
        raise ArgumentError(f"{sentence}={brief(value)} is not known; give {instance}.")
    raise ArgumentError(f"{sentence}={unknown(value, known)}; or {instance}.")
