"""Arguments of the public API, checked at the door: numbers, functions, paths."""

import os
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from taut.core.names import brief
from taut.errors import ArgumentError


def whole(name: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number from `low` to `high`, of Python or NumPy.

    Raises:
        ArgumentError: Anything else.

    Example:
        >>> whole("seed", 3, 0)
        3
    """
    number = int(value) if isinstance(value, Integral) and not isinstance(value, bool) else low - 1
    if number < low or (high is not None and number > high):
        limits = f"from {low} to {high:,}" if high is not None else f"of at least {low}"
        raise ArgumentError(f"{name}={brief(value)}: a whole number {limits} is needed.")
    return number


def plain(value: Any) -> Any:
    """A number of NumPy as one of Python, which JSON can hold; anything else as it is, for a check to refuse.

    Example:
        >>> type(plain(np.int64(3))).__name__, plain("3"), plain(None)
        ('int', '3', None)
    """
    return value.item() if isinstance(value, np.number) else value


def function(name: str, value: Any, takes: str) -> Any:
    """A function, or None.

    Args:
        name: The argument.
        value: What was received.
        takes: How it is called, for the message.

    Raises:
        ArgumentError: Anything else.
    """
    if value is not None and (not callable(value) or isinstance(value, type)):
        raise ArgumentError(f"{name}={brief(value)}: a function {takes} is needed, or None.")
    return value


def path(name: str, value: Any) -> Path:
    """A path as text or as a `Path`.

    Raises:
        ArgumentError: Anything else.

    Example:
        >>> path("path", "runs/loans").name
        'loans'
    """
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentError(f"{name}={brief(value)}: a path is needed, e.g. 'runs/loans'.")
    return Path(value)


def is_number(value: Any) -> bool:
    """Whether it is one real number, an array of one without axes included (no truth value)."""
    if isinstance(value, Real):
        return not isinstance(value, bool)
    return getattr(value, "shape", None) == () and getattr(value.dtype, "kind", "") in "iuf"


def probability(name: str, value: Any) -> float:
    """A number between 0 and 1, both left out.

    Raises:
        ArgumentError: Anything else.

    Example:
        >>> probability("level", 0.95)
        0.95
    """
    if not is_number(value) or not 0 < value < 1:
        raise ArgumentError(f"{name}={brief(value)}: a probability between 0 and 1 is needed, e.g. 0.95.")
    return float(value)


def instance(name: str, value: Any, kind: type, remedy: str) -> None:
    """Refuse what is no instance of a class of Taut.

    Raises:
        ArgumentError: With the remedy.
    """
    if not isinstance(value, kind):
        raise ArgumentError(f"{name}={brief(value)} is no {kind.__name__}; {remedy}.")
