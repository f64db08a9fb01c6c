"""Numbers of an objective that are traced and never learned: a sweep over them compiles once."""

from numbers import Real
from typing import Any

import numpy as np


def number(value: Any) -> Any:
    """A real number as a NumPy scalar; anything else (a schedule, a traced copy, nonsense) as it is.

    JAX traces a NumPy scalar, where it would compile anew for each Python float; and it compares, hashes, formats and
    saves as the number that it is. It does not move: only the family and what the model says are learned.

    Example:
        >>> number(4) == 4.0, number("4")
        (np.True_, '4')
    """
    return np.float64(value) if isinstance(value, Real) else value


def shown(value: Any) -> str:
    """The value as it was written, for messages.

    Example:
        >>> shown(number(-1)), shown("4")
        ('-1.0', "'4'")
    """
    return repr(value.item() if isinstance(value, np.generic) else value)
