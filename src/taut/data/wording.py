"""Names in error messages: never a wall of them, and the one that was probably meant."""

import difflib
from collections.abc import Iterable

LONGEST = 120
"""Most characters of a value that a message repeats."""


def brief(value: object) -> str:
    """A value as text, cut where it is long."""
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def listing(items: Iterable[object], limit: int = 8) -> str:
    """Join items with commas, the first `limit` of them: "a, b and 5 more"."""
    items = [brief(item) for item in items]
    shown = ", ".join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def quoted(names: Iterable[object], limit: int = 8) -> str:
    """`listing` with every name in quotes."""
    return listing((f"'{name}'" for name in names), limit)


def suggestion(name: str, known: Iterable[str]) -> str:
    """A sentence with the names nearest to a misspelt one, capitals aside; empty where none is near."""
    spelling = {k.lower(): k for k in known}
    near = difflib.get_close_matches(name.lower(), spelling, n=3)
    return f" Did you mean {quoted(spelling[k] for k in near)}?" if near else ""
