"""Where a named unknown lives."""

import dataclasses
import math
from typing import Any

import numpy as np

from taut.core.arguments import is_number
from taut.core.names import brief
from taut.errors import ArgumentError


@dataclasses.dataclass(frozen=True)
class Support:
    """The set in which one named unknown lives.

    Attributes:
        kind: name of the set.
        shape: of the value, constrained.
        bounds: parameters of the set: (low, high) of an interval.
    """

    kind: str
    shape: tuple[int, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def transform(self) -> Any:
        """The bijection from the unconstrained reals, from `numpyro.distributions`."""
        import numpyro.distributions.constraints as sets
        from numpyro.distributions import biject_to

        constraint = {
            "real": sets.real,
            "positive": sets.positive,
            "unit interval": sets.unit_interval,
            "simplex": sets.simplex,
            "ordered": sets.ordered_vector,
        }.get(self.kind)
        return biject_to(sets.interval(*self.bounds) if constraint is None else constraint)

    @property
    def free_shape(self) -> tuple[int, ...]:
        """Shape of the unconstrained value: a simplex of n has n - 1 free numbers."""
        return (*self.shape[:-1], self.shape[-1] - 1) if self.kind == "simplex" else self.shape


def _whole(n: Any, least: int) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= least


def _shape(shape: Any) -> tuple[int, ...]:
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    if not all(_whole(n, 1) for n in sizes):
        raise ArgumentError(f"shape={shape!r}: a positive whole number or a tuple of them is needed, e.g. 8 or (3, 2).")
    return tuple(map(int, sizes))


def real(shape: int | tuple[int, ...] = ()) -> Support:
    """Any real number, or an array of them.

    Example:
        >>> real(8).shape
        (8,)
    """
    return Support("real", _shape(shape))


def positive(shape: int | tuple[int, ...] = ()) -> Support:
    """Positive numbers, unconstrained by the logarithm.

    Example:
        >>> positive().free_shape
        ()
    """
    return Support("positive", _shape(shape))


def unit_interval(shape: int | tuple[int, ...] = ()) -> Support:
    """Numbers between 0 and 1, unconstrained by the logit.

    Example:
        >>> unit_interval().kind
        'unit interval'
    """
    return Support("unit interval", _shape(shape))


def bounded(low: float, high: float, shape: int | tuple[int, ...] = ()) -> Support:
    """Numbers between `low` and `high`.

    Example:
        >>> bounded(-1, 1).bounds
        (-1.0, 1.0)
    """
    if not (is_number(low) and is_number(high) and math.isfinite(low) and math.isfinite(high) and low < high):
        raise ArgumentError(
            f"bounded({brief(low)}, {brief(high)}): two finite numbers, the lower first, are needed, the same for all "
            "elements of an array; see positive() for a half-line."
        )
    return Support("bounded", _shape(shape), (float(low), float(high)))


def simplex(size: int) -> Support:
    """`size` positive numbers that sum to 1, by stick breaking.

    Example:
        >>> simplex(3).free_shape
        (2,)
    """
    if not _whole(size, 2):
        raise ArgumentError(f"simplex({size!r}): a whole number of parts is needed, at least two.")
    return Support("simplex", (int(size),))


def ordered(size: int) -> Support:
    """`size` real numbers, each larger than the one before.

    Example:
        >>> ordered(2).kind
        'ordered'
    """
    if not _whole(size, 2):
        raise ArgumentError(f"ordered({size!r}): a whole number is needed, at least two: an order needs two numbers.")
    return Support("ordered", (int(size),))
