"""The set in which a named unknown lives, and the map onto it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from taut.errors import ArgumentError

NUMPYROS = {
    "real": "real",
    "positive": "positive",
    "unit interval": "unit_interval",
    "simplex": "simplex",
    "ordered": "ordered_vector",
    "positive ordered": "positive_ordered_vector",
    "correlation factor": "corr_cholesky",
    "covariance factor": "lower_cholesky",
}
"""What `numpyro.distributions.constraints` calls the sets without bounds."""
BY_NUMBER = ("real", "positive", "unit interval", "bounded", "above", "below")
"""Sets whose members are numbers, each with a free number of its own."""
ONE_SIGNED = ("positive", "unit interval", "simplex", "positive ordered")
"""Sets on one side of zero."""


@dataclasses.dataclass(frozen=True)
class Support:
    """The set in which one named unknown lives.

    Attributes:
        kind: name of the set.
        shape: of the value, constrained.
        bounds: low and high where the set has bounds: each a number, numbers in nested tuples, a function of the other
            unknowns, or None for an open end.
    """

    kind: str
    shape: tuple[int, ...] = ()
    bounds: tuple[Any, ...] = ()

    @property
    def transform(self) -> Any:
        """The bijection from the unconstrained reals, from `numpyro.distributions`."""
        return self.given({})

    def given(self, others: Mapping[str, Any]) -> Any:
        """The bijection, given the values of the other unknowns, by name, of which the bounds may be functions.

        Raises:
            ArgumentError: a bound asks for what is no other unknown, or has another shape than the unknown.
        """
        import numpyro.distributions.constraints as sets
        from numpyro.distributions import biject_to

        if not self.bounds:
            return biject_to(getattr(sets, NUMPYROS[self.kind]))
        low, high = (self._bound(bound, others) for bound in self.bounds)
        if high is None:
            return biject_to(sets.greater_than(low))
        return biject_to(sets.less_than(high) if low is None else sets.interval(low, high))

    def _bound(self, bound: Any, others: Mapping[str, Any]) -> Any:
        if isinstance(bound, tuple):
            return np.array(bound)
        if not callable(bound):
            return bound
        try:
            value: Any = bound(others)
        except KeyError as error:
            raise ArgumentError(
                f"A bound asks for {error.args[0]!r}, which is no other unknown; parameters= names {', '.join(others)}."
            ) from error
        fits(f"A bound, a function of the other unknowns, gives an array of shape {np.shape(value)}", value, self.shape)
        return value

    @property
    def free_shape(self) -> tuple[int, ...]:
        """Shape of the unconstrained value: a simplex of n has n - 1 free numbers."""
        if self.kind in BY_NUMBER or "ordered" in self.kind:
            return self.shape
        return tuple(self.transform.inverse_shape(self.shape))

    @property
    def one_signed(self) -> bool:
        """Whether the set lies on one side of zero."""
        known = [None if callable(bound) else bound for bound in self.bounds] or [None, None]
        above, below = known[0] is not None and np.min(known[0]) >= 0, known[1] is not None and np.max(known[1]) <= 0
        return self.kind in ONE_SIGNED or bool(above or below)


def fits(what: str, bound: Any, shape: tuple[int, ...]) -> None:
    """Refuse bounds that are not one for each number of an unknown, or one for all.

    Args:
        what: The bounds, and their shape, in words.
        bound: Them.
        shape: Of the unknown.

    Raises:
        ArgumentError: They do not go together.
    """
    try:
        good = np.broadcast_shapes(np.shape(bound), shape) == shape
    except ValueError:
        good = False
    if not good:
        raise ArgumentError(f"{what}, and the unknown has the shape {shape}; give one bound for each of its numbers.")
