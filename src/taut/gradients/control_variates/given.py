"""What a user gives as a control variate: a name, a class or an instance."""

import inspect
import sys
from typing import Any

from taut.core.names import find, unknown
from taut.errors import ArgumentError
from taut.gradients.control_variates.base import ControlVariate


def as_control(value: Any) -> ControlVariate:
    """A control variate as it is, or what a name or a class stands for.

    Raises:
        ArgumentError: Anything else, with the names.

    Example:
        >>> as_control("moving average").name
        'moving-average'
    """
    if isinstance(value, ControlVariate):
        return value
    room = sys.modules["taut.gradients"]  # this file is part of it
    parts = [part for _, part in inspect.getmembers(room, inspect.isclass) if issubclass(part, ControlVariate)]
    known = {part.name: part for part in parts if not inspect.isabstract(part)}
    if value in known.values():
        return value()
    name = find(value, known)
    if name is None:
        raise ArgumentError(f"control={unknown(value, known)}; or an instance of taut's ControlVariate.")
    return known[name]()
