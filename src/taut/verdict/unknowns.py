"""What the verdict says of each unknown by itself.

One unknown with a tail that no number of draws settles makes the whole answer doubtful, and leaves the others as they
were. So each has an answer of its own: which can be quoted, and which cannot.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from taut.verdict.answers import Trusted

GOOD_SHIFT, GOOD_RATIO = 0.1, 0.05
"""Changes of a mean (in sds) and of an sd (as a share) under the weights up to which q needs no correction."""
NAMED = 3
"""Unknowns that a sentence names."""


def answers_by_changes(
    shift: Float[np.ndarray, " M"], ratio: Float[np.ndarray, " M"], doubted: Bool[np.ndarray, " M"] | None = None
) -> tuple[Trusted, ...]:
    """The answer for each unknown where the changes of means and sds are known.

    Args:
        shift: Change of each mean, in sds of q.
        ratio: The sd of the better answer over that of q.
        doubted: The unknowns of which the better answer is in doubt itself; none by default.

    Example:
        >>> answers = answers_by_changes(np.array([0.0, 0.3, 0.0]), np.ones(3), np.array([False, False, True]))
        >>> ", ".join(answers)
        'good, corrected, suspect'
    """
    small = (np.abs(shift) < GOOD_SHIFT) & (np.abs(ratio - 1) <= GOOD_RATIO)
    doubts = np.zeros(len(small), bool) if doubted is None else doubted
    return tuple(
        Trusted.SUSPECT if doubt else Trusted.GOOD if right else Trusted.CORRECTED
        for right, doubt in zip(small, doubts, strict=True)
    )


def in_words(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are.

    Example:
        >>> in_words(["a", "b"]), in_words(["a", "b", "c", "d", "e"])
        ('a, b', 'a, b, c and 2 more')
    """
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
