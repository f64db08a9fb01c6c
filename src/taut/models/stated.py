"""The stated prior of one unknown: a distribution by its name and its numbers, so that a saved fit can hold it."""

import sys
from typing import Any

import equinox as eqx
import numpy as np

from taut.core.names import brief
from taut.errors import ArgumentError
from taut.models.prior import Independent, Normal

WANTED = "give a distribution of one number, such as taut.models.Normal(0, 1) or numpyro.distributions.HalfNormal(1)"

USUAL = {"Normal": {"loc", "scale"}, "HalfNormal": {"scale"}}
"""Distributions that need no check, for which NumPyro would be loaded."""


class Stated(eqx.Module):
    """A distribution of `numpyro.distributions` over one real number.

    Attributes:
        kind: Name of its class.
        numbers: Its parameters, by name.

    Example:
        >>> Stated("HalfNormal", (("scale", 2.0),)).words
        'HalfNormal(2)'
    """

    kind: str = eqx.field(static=True)
    numbers: tuple[tuple[str, float], ...] = eqx.field(static=True)

    def __check_init__(self):
        if set(dict(self.numbers)) == USUAL.get(self.kind):
            return
        import numpyro.distributions as known

        kind = getattr(known, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, known.Distribution)):
            raise ArgumentError(f"prior={brief(self.kind)} is no distribution of NumPyro: {WANTED}.")
        if not set(dict(self.numbers)) <= set(kind.arg_constraints):
            raise ArgumentError(f"prior={self.words}: {self.kind} has other parameters.")

    @classmethod
    def of(cls, value: Any, name: str = "prior") -> "Stated":
        """The distribution that a user gave.

        Args:
            value: A `Stated`, a `Normal` of one number, or a distribution of NumPyro with plain numbers.
            name: Of the unknown, for the message.

        Raises:
            ArgumentError: Something else.
        """
        if isinstance(value, Stated):
            return value
        if isinstance(value, Independent):
            value = value.distribution
        known: Any = sys.modules.get("numpyro.distributions")
        if isinstance(value, Normal):
            numbers = {"loc": value.loc, "scale": value.scale}
        elif known is not None and isinstance(value, known.Distribution):
            numbers = {key: getattr(value, key) for key in type(value).arg_constraints if hasattr(value, key)}
        else:
            raise ArgumentError(f"The prior of '{name}' is {brief(value)}: {WANTED}.")
        if not numbers or any(np.ndim(x) for x in numbers.values()):
            raise ArgumentError(f"The prior of '{name}' is {brief(value)}, which is not of one number: {WANTED}.")
        return cls(type(value).__name__, tuple((key, float(x)) for key, x in numbers.items()))

    @property
    def distribution(self) -> Any:
        """The distribution of NumPyro."""
        import numpyro.distributions as known

        return getattr(known, self.kind)(**dict(self.numbers))

    @property
    def positive(self) -> bool:
        """Whether it is over positive numbers alone."""
        return type(self.distribution.support).__name__ in ("_GreaterThan", "_GreaterThanEq", "_Positive")

    def number(self, name: str) -> float:
        """One of its parameters."""
        return dict(self.numbers)[name]

    @property
    def words(self) -> str:
        """As a person writes it."""
        return f"{self.kind}({', '.join(f'{x:.4g}' for _, x in self.numbers)})"


def normal(loc: float, scale: float) -> Stated:
    """N(loc, scale)."""
    return Stated("Normal", (("loc", float(loc)), ("scale", float(scale))))


def half_normal(scale: float) -> Stated:
    """|N(0, scale)|."""
    return Stated("HalfNormal", (("scale", float(scale)),))
