"""Objectives as written on a command line: each class of the room reads its own form."""

import re

from taut import objectives
from taut.core.names import find
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
    written = _in_known_words(text.strip())
    for part in public(objectives, Objective):
        found = part.parse(written, steps)
        if found is not None:
            return found
    raise ArgumentError(f"objective={text!r} is not known. Forms: {forms()}.")


def _in_known_words(text: str) -> str:
    """The form with its names as the classes write them: "Free Bits = 0.5" as "free-bits= 0.5"."""
    words = [word for part in public(objectives, Objective) for word in part.words]

    def known(match: re.Match) -> str:
        return find(match[0], words) or match[0]

    clauses = re.split(r"(\s+and\s+|\s*,\s*)", text)
    return "".join(re.sub(r"^[^\W\d]([^=<>:]*[^=<>:\s])?", known, clause) for clause in clauses)
