"""What is said where a room has no such name: the public name of any room that was probably meant."""

import functools
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PUBLIC = re.compile(r"^from \S+ import (\w+) as \1$", re.MULTILINE)
CLOSE = 0.75
"""Least likeness of a name of another room; in the room itself less is enough."""


def absent(room: str, lazy: Callable[[str], Any] | None = None, names: Collection[str] = ()) -> Callable[[str], Any]:
    """The `__getattr__` of a room: a name that it does not have is refused with the one that was probably meant.

    Args:
        room: The module's `__name__`.
        lazy: What loads its names on first use, where it has such.
        names: These names.
    """

    def look(name: str) -> Any:
        if lazy is not None and name in names:
            return lazy(name)
        hint = "" if name.startswith("_") else suggestion(room, name)
        raise AttributeError(f"{room} has no attribute {name!r}.{hint}")

    return look


def suggestion(room: str, name: str) -> str:
    """A sentence with the public name that `name` may stand for, and where it is; empty where none is near.

    Example:
        >>> suggestion("taut", "LogisticRegression")
        ' Did you mean taut.models.LogisticRegression?'
        >>> suggestion("taut.families", "MeanFeild")
        ' Did you mean taut.families.MeanField?'
    """
    import difflib  # which is needed on this way alone

    places = sorted(public(), key=lambda p: (p.rpartition(".")[2] != name, _room(p) != room))  # of two alike the first
    asked = _letters(name)
    for among, likeness in ((places, 1.0), ([p for p in places if _room(p) == room], 0.6), (places, CLOSE)):
        by_letters = {_letters(place.rpartition(".")[2]): place for place in reversed(among)}
        for near in difflib.get_close_matches(asked, by_letters, 1, likeness):
            return f" Did you mean {by_letters[near]}?"
    return ""


def _room(place: str) -> str:
    return place.rpartition(".")[0]


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def nearest(name: str, known: Collection[str]) -> str:
    """A sentence with the name that a misspelt attribute may stand for; empty where none is near.

    Example:
        >>> nearest("sumary", ["summary", "sample"])
        " Did you mean 'summary'?"
    """
    import difflib

    near = difflib.get_close_matches(name, known, 1, CLOSE)
    return f" Did you mean {near[0]!r}?" if near else ""


@functools.cache
def public() -> tuple[str, ...]:
    """The public names of Taut and its rooms with their places, read from the source so that nothing is loaded."""
    rooms = _listed(ROOT)
    below = [f"taut.{room}.{name}" for room in rooms if (ROOT / room).is_dir() for name in _listed(ROOT / room)]
    return (*(f"taut.{name}" for name in rooms), *below)


def _listed(folder: Path) -> list[str]:
    stub = folder / "__init__.pyi"
    text = (stub if stub.exists() else folder / "__init__.py").read_text("utf-8")
    return PUBLIC.findall(text)
