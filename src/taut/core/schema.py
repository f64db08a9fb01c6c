"""What JSON must hold, said entry by entry and checked before anything of it is used; further entries are let pass.

Example:
    >>> person = entries({"name": TEXT, "age": maybe(whole(0, 150))})
    >>> person.check({"name": "Ada", "age": 36})
    >>> person.check({"name": "Ada", "age": "36"}, "author")
    Traceback (most recent call last):
        ...
    ValueError: author.age is '36' where null or a whole number from 0 to 150 is needed
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

MOST = 2**63 - 1
"""Largest whole number."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What an entry must be.

    Attributes:
        what: In words.
        holds: A function that says whether a value is that.
        inside: A function that gives the parts of such a value, each with its name and what it must be.
    """

    what: str
    holds: Callable[[Any], bool]
    inside: Callable[[Any], list[tuple[str, Any, "Kept"]]] = lambda value: []

    def check(self, value: Any, place: str = "") -> None:
        """Refuse a value that is something else.

        Raises:
            ValueError: naming the entry.
        """
        if not self.holds(value):
            shown = repr(value)
            shown = shown if len(shown) < 60 else f"{shown[:60]}..."
            raise ValueError(f"{place.lstrip('.') or 'the content'} is {shown} where {self.what} is needed")
        for name, part, kept in self.inside(value):
            kept.check(part, f"{place}.{name}")


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON's; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(least: int = 0, most: int = MOST) -> Kept:
    """A whole number."""
    return Kept(
        f"a whole number from {least} to {most}",
        lambda x: isinstance(x, int) and not isinstance(x, bool) and least <= x <= most,
    )


def one_of(*words: str) -> Kept:
    """One of a few words."""
    return Kept(f"one of {', '.join(words)}", lambda x: isinstance(x, str) and x in words)


def maybe(kept: Kept) -> Kept:
    """That, or null."""
    return Kept(
        f"null or {kept.what}", lambda x: x is None or kept.holds(x), lambda x: [] if x is None else kept.inside(x)
    )


def each(kept: Kept, count: int | None = None) -> Kept:
    """A list of that, of `count` values if one is given."""
    what = "a list" if count is None else f"a list of {count} values"
    return Kept(
        what,
        lambda x: isinstance(x, (list, tuple)) and count in (None, len(x)),
        lambda x: [(str(i), one, kept) for i, one in enumerate(x)],
    )


def by_name(kept: Kept) -> Kept:
    """An object whose values are that."""
    return Kept("an object", lambda x: isinstance(x, dict), lambda x: [(name, one, kept) for name, one in x.items()])


def entries(needed: dict[str, Kept], may: dict[str, Kept] | None = None) -> Kept:
    """An object with these entries, and perhaps with others.

    Args:
        needed: Entries that are there.
        may: Entries that may be there.
    """

    def inside(value):
        return [(name, value[name], kept) for name, kept in (needed | (may or {})).items() if name in value]

    return Kept(
        f"an object with {', '.join(needed) or 'entries'}",
        lambda x: isinstance(x, dict) and needed.keys() <= x.keys(),
        inside,
    )


ANYTHING = Kept("anything", lambda x: True)
TEXT = Kept("a text", lambda x: isinstance(x, str))
FLAG = Kept("true or false", lambda x: isinstance(x, bool))
NUMBER = Kept("a number", lambda x: is_number(x) and (isinstance(x, float) or abs(x) <= MOST))
FINITE = Kept("a finite number", lambda x: NUMBER.holds(x) and math.isfinite(x))
POSITIVE = Kept("a positive finite number", lambda x: FINITE.holds(x) and x > 0)
LABEL = Kept("a text, a number, or true or false", lambda x: isinstance(x, (str, bool)) or FINITE.holds(x))
SCALAR = Kept(
    "a text, a number, true, false or null",
    lambda x: x is None or isinstance(x, str) or LABEL.holds(x) or NUMBER.holds(x),
)
