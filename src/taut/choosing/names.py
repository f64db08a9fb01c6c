"""The names of Taut's parts, found by asking the rooms: what `taut.fit`, the command line and messages call them.

A room is asked, which loads all of its parts, when a name is looked up.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from taut import algorithms, families, gradients, models
from taut.algorithms import Algorithm
from taut.core.names import brief, find, unknown
from taut.core.parts import public, short
from taut.errors import ArgumentError
from taut.families import Family
from taut.gradients import Gradient


class _Names(Mapping[str, type]):
    """Classes by name, found when they are first looked up.

    Args:
        find: Finds them.
    """

    def __init__(self, find: Callable[[], dict[str, Any]]):
        self._find = find

    @cached_property
    def _found(self) -> dict[str, Any]:
        return self._find()

    def __getitem__(self, name: str) -> Any:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


FAMILIES = _Names(lambda: {f.name: f for f in public(families, Family) if f.by_name})
GRADIENTS = _Names(lambda: {name: g for g in public(gradients, Gradient) for name in (g.name, *g.aliases)})
CONTROLS = _Names(lambda: {c.name: c for c in public(gradients, gradients.ControlVariate)})
ALGORITHMS = _Names(lambda: {a.name: a for a in public(algorithms, Algorithm)})
REGRESSIONS = _Names(
    lambda: {short(r.name).removesuffix("-regression"): r for r in public(models, models.TableRegression)}
)


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
