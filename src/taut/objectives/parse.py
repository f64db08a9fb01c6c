"""Objectives as written on a command line: each class of the room reads its own form."""

from taut import objectives
from taut.core.parts import public
from taut.errors import ArgumentError
from taut.objectives.base import Objective, Written


def forms() -> str:
    """What can be written, the shortest first."""
    return ", ".join(sorted((part.written for part in public(objectives, Objective) if part.written), key=len))


def parse_objective(text: str, steps: int) -> Written:
    """The objective that `text` names, and the number of draws that it fixes (None where it fixes none).

    Args:
        text: One of `forms()`.
        steps: Number of training steps; an annealed weight rises over a fifth of them.

    Raises:
        ArgumentError: Anything else, with the forms.

    Example:
        >>> parse_objective("iwae=50", 1000)[1]
        50
    """
    text = text.strip()
    for part in public(objectives, Objective):
        found = part.parse(text, steps)
        if found is not None:
            return found
    raise ArgumentError(f"objective={text!r} is not known. Forms: {forms()}.")
