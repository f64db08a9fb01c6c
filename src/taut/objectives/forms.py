"""Numbers in the written forms of objectives."""

import re

from taut.errors import ArgumentError

NUMBER = r"([-+0-9.eE]+)"


def numbered(names: str, text: str) -> tuple[str, float] | None:
    """Name and number of a form such as "beta=4"; None for another form.

    Args:
        names: The names, separated by `|`.
        text: The form.

    Raises:
        ArgumentError: What stands for the number is none.

    Example:
        >>> numbered("beta", "beta = 4"), numbered("beta", "elbo")
        (('beta', 4.0), None)
    """
    match = re.fullmatch(rf"({names})\s*=\s*{NUMBER}", text)
    return None if match is None else (match[1], as_number(match[2], text))


def as_number(number: str, text: str) -> float:
    """`number` as a float.

    Raises:
        ArgumentError: It is none; `text` is the whole form, for the message.
    """
    try:
        return float(number)
    except ValueError:
        raise ArgumentError(f"In objective={text!r}, {number!r} is not a number.") from None
