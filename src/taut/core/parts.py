"""The public parts of a room and their names, found by asking the room, so that a new part is listed nowhere else."""

import inspect
from types import ModuleType
from typing import TypeVar

Part = TypeVar("Part")


def public(room: ModuleType, abstract: type[Part]) -> list[type[Part]]:
    """The public classes of `room` that are `abstract`, in the order of their class names.

    Args:
        room: A package whose `__dir__` names its public classes.
        abstract: Their abstract base class; what is still abstract is left out.
    """
    found = [part for _, part in inspect.getmembers(room, inspect.isclass)]
    below = [part for part in found if issubclass(part, abstract) and part is not abstract]
    return [part for part in below if not inspect.isabstract(part)]


def short(name: str) -> str:
    """A name as it is compared: "natural gradient", "natural" and "Natural" are one.

    Example:
        >>> short("natural gradient"), short("score_regression")
        ('natural', 'score-regression')
    """
    return name.lower().replace("_", "-").replace(" ", "-").removesuffix("-gradient")
