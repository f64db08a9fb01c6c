"""The functions that say where a named unknown lives: each makes a `Support`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from taut.core.names import brief, find
from taut.errors import ArgumentError
from taut.models.support import Support, fits


def _whole(n: Any, least: int) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= least


def _shape(shape: Any, name: str = "shape") -> tuple[int, ...]:
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    if not all(_whole(n, 1) for n in sizes):
        raise ArgumentError(
            f"{name}={brief(shape)}: a positive whole number or a tuple of them is needed, e.g. 8 or (3, 2)."
        )
    return tuple(map(int, sizes))


def _bounds(name: str, low: Any, high: Any, shape: Any) -> Support:
    """The support between bounds, of which one may be missing; an array of bounds has the shape of the unknown."""
    word = f"{name}({', '.join(brief(bound) for bound in (low, high) if bound is not None)})"
    kept = [bound if bound is None or callable(bound) else _numbers(word, bound) for bound in (low, high)]
    arrays = [np.asarray(bound) for bound in kept if bound is not None and not callable(bound)]
    try:
        together = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError as error:
        raise ArgumentError(f"{word}: the bounds have different shapes; give one for each number of both.") from error
    sizes = _shape(shape) if shape != () else together
    for a in arrays:
        fits(f"{word}: the bounds have the shape {a.shape}", a, sizes)
    if len(arrays) == 2 and not np.all(arrays[0] < arrays[1]):
        raise ArgumentError(f"{word}: the bounds are in the wrong order; give the lower first, with room between them.")
    return Support(name, sizes, tuple(kept))


def _numbers(word: str, bound: Any) -> Any:
    """A bound as a number, or as numbers in nested tuples, which are compared by value."""
    try:
        array = None if isinstance(bound, str) else np.asarray(bound, float)
    except (TypeError, ValueError):
        array = None
    if array is None or not array.size or not np.isfinite(array).all():
        wrong = "is a text" if isinstance(bound, str) else "is no finite bound"
        many = (
            "two finite numbers, or arrays of them, are" if "," in word else "a finite number, or an array of them, is"
        )
        raise ArgumentError(
            f"{word}: {brief(bound)} {wrong}; {many} needed. A bound that depends on another unknown is a function, "
            "e.g. lambda v: v['a']. See positive(), above() and below() for half-lines."
        )
    return _nested(array.tolist())


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else values


def _vectors(kind: str, name: str, size: Any, stack: Any, why: str) -> Support:
    if not _whole(size, 2):
        raise ArgumentError(
            f"{name}({brief(size)}): a whole number of at least two is needed: {why}. Give {name}(3, stack=4) for "
            "several of them."
        )
    matrix = (int(size),) * (2 if "factor" in kind else 1)
    return Support(kind, (*_shape(stack, "stack"), *matrix))


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


def bounded(low: Any, high: Any, shape: int | tuple[int, ...] = ()) -> Support:
    """Numbers between `low` and `high`.

    Args:
        low: a number, an array with a bound for each number, or a function of the other unknowns, by name.
        high: likewise.
        shape: of the unknown; that of the bounds by default.

    Example:
        >>> bounded(-1, 1).bounds
        (-1.0, 1.0)
        >>> bounded([0, 10], [1, 20]).shape
        (2,)
        >>> bounded(0, lambda v: v["most"]).kind
        'bounded'
    """
    if low is None or high is None:
        raise ArgumentError(
            f"bounded({brief(low)}, {brief(high)}): both bounds are needed; see above() and below() for half-lines."
        )
    return _bounds("bounded", low, high, shape)


def above(low: Any, shape: int | tuple[int, ...] = ()) -> Support:
    """Numbers larger than `low`, unconstrained by the logarithm of the distance.

    Args:
        low: as for `bounded`.
        shape: of the unknown; that of the bound by default.

    Example:
        >>> above(2.0).bounds
        (2.0, None)
        >>> above(lambda v: v["start"]).kind  # the end comes after the start
        'above'
    """
    return _bounds("above", _given("above", low), None, shape)


def below(high: Any, shape: int | tuple[int, ...] = ()) -> Support:
    """Numbers smaller than `high`, unconstrained by the logarithm of the distance.

    Args:
        high: as for `bounded`.
        shape: of the unknown; that of the bound by default.

    Example:
        >>> below([1.0, 2.0]).shape
        (2,)
    """
    return _bounds("below", None, _given("below", high), shape)


def _given(name: str, bound: Any) -> Any:
    if bound is None:
        raise ArgumentError(f"{name}(None): a bound is needed, e.g. {name}(0.0); real() has none.")
    return bound


def simplex(size: int, stack: int | tuple[int, ...] = ()) -> Support:
    """`size` positive numbers that sum to 1, by stick breaking; an array of `stack` of them, `[*stack, size]`.

    Example:
        >>> simplex(3).free_shape, simplex(3, stack=4).shape
        ((2,), (4, 3))
    """
    return _vectors("simplex", "simplex", size, stack, "the parts of a simplex sum to 1")


def ordered(size: int, stack: int | tuple[int, ...] = ()) -> Support:
    """`size` real numbers, each larger than the one before; an array of `stack` of them, `[*stack, size]`.

    Example:
        >>> ordered(2).kind
        'ordered'
    """
    return _vectors("ordered", "ordered", size, stack, "an order needs two numbers")


def positive_ordered(size: int, stack: int | tuple[int, ...] = ()) -> Support:
    """`size` positive numbers, each larger than the one before; an array of `stack` of them, `[*stack, size]`.

    Example:
        >>> positive_ordered(3).shape
        (3,)
    """
    return _vectors("positive ordered", "positive_ordered", size, stack, "an order needs two numbers")


def correlation_factor(size: int, stack: int | tuple[int, ...] = ()) -> Support:
    """L of a correlation matrix L L': lower triangular, rows of length 1, positive diagonal; `[*stack, size, size]`.

    The density is over L, as that of `numpyro.distributions.LKJCholesky` is.

    Example:
        >>> correlation_factor(3).free_shape
        (3,)
    """
    return _vectors("correlation factor", "correlation_factor", size, stack, "a correlation is of two quantities")


def covariance_factor(size: int, stack: int | tuple[int, ...] = ()) -> Support:
    """L of a covariance matrix L L': lower triangular, positive diagonal; `[*stack, size, size]`.

    The density is over L.

    Example:
        >>> covariance_factor(3).free_shape
        (6,)
    """
    return _vectors("covariance factor", "covariance_factor", size, stack, "one variance is positive()")


SUPPORTS: dict[str, Callable] = {
    function.__name__: function
    for function in (
        real,
        positive,
        unit_interval,
        bounded,
        above,
        below,
        simplex,
        ordered,
        positive_ordered,
        correlation_factor,
        covariance_factor,
    )
}
"""The functions that make supports, by name."""
MEANT = {
    "nonnegative": "positive",
    "half-line": "above",
    "greater than": "above",
    "lower": "above",
    "less than": "below",
    "upper": "below",
    "negative": "below",
    "interval": "bounded",
    "probability": "unit_interval",
    "unconstrained": "real",
    "correlation": "correlation_factor",
    "corr cholesky": "correlation_factor",
    "covariance": "covariance_factor",
    "lower cholesky": "covariance_factor",
}
"""What others call these sets."""


def written(word: str) -> str | None:
    """The call that makes the support which a word names; None where it names none.

    Example:
        >>> written("Unit interval"), written("positve"), written("corr_cholesky")
        ('unit_interval()', None, 'correlation_factor(3)')
    """
    name = find(word, [*SUPPORTS, *MEANT])
    name = MEANT.get(name or "", name)
    arguments = {"bounded": "0, 10", "above": "0", "below": "0", "real": "", "positive": "", "unit_interval": ""}
    return None if name is None else f"{name}({arguments.get(name, '3')})"
