"""Where in a formula something is wrong: the formula, and a caret below the place."""

from taut.errors import ArgumentError, TautError

WIDE = 60
"""Most characters of a formula that are shown on each side of the place."""


def pointed(formula: str, place: int, sentence: str, kind: type[TautError] = ArgumentError) -> TautError:
    """The refusal of a formula, to be raised.

    Example:
        >>> print(pointed("y ~ x +", 7, "A term is missing."))
        A term is missing.
          y ~ x +
                 ^
    """
    line = "".join(" " if character.isspace() else character for character in formula)
    start, end = max(0, place - WIDE), place + WIDE
    before, behind = "..." * (start > 0), "..." * (end < len(line))
    return kind(f"{sentence}\n  {before}{line[start:end]}{behind}\n  {' ' * (len(before) + place - start)}^")
