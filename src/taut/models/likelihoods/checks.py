"""What is said of data that a likelihood is not for: the first value, its row, and what to do."""

from typing import Any

import numpy as np

from taut.errors import DataError


def refuse(likelihood: Any, values: Any, wrong: np.ndarray, remedy: str) -> None:
    """Refuse values outside the likelihood's support; where there are none, nothing happens.

    Args:
        likelihood: It says what it is for.
        values: `[n, ...]`, one row or example each.
        wrong: Which of them are outside, of the same shape.
        remedy: What to do about them.

    Raises:
        DataError: naming the first value and its row.
    """
    if not wrong.any():
        return
    first = np.unravel_index(np.argmax(wrong), wrong.shape)
    where = f" in row {first[0] + 1} (rows count from 1)" if wrong.ndim else ""
    raise DataError(
        f"The {likelihood.name} likelihood is for {likelihood.wants}, and {wrong.mean():.1%} of the data are others, "
        f"e.g. {values[first]:.6g}{where}. {remedy}"
    )


def within(likelihood: Any, values: Any, low: float, high: float, remedy: str, *, open_ends: bool = False) -> None:
    """Refuse numbers that are not from `low` to `high`, or not finite.

    Args:
        likelihood: It says what it is for.
        values: The data.
        low: Least value.
        high: Largest value.
        remedy: What to do about others.
        open_ends: Whether the two ends themselves are outside.
    """
    values = np.asarray(values)
    inside = (values > low) & (values < high) if open_ends else (values >= low) & (values <= high)
    refuse(likelihood, values, ~(inside & np.isfinite(values)), remedy)


def whole(likelihood: Any, values: Any, high: float, remedy: str) -> None:
    """Refuse what is no whole number from 0 to `high`."""
    values = np.asarray(values)
    counts = (values == np.floor(values)) & (values >= 0) & (values <= high) & np.isfinite(values)
    refuse(likelihood, values, ~counts, remedy)


def finite(likelihood: Any, values: Any) -> None:
    """Refuse what is infinite or missing."""
    values = np.asarray(values)
    refuse(likelihood, values, ~np.isfinite(values), "Fill them in, or leave those rows out.")
