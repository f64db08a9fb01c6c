"""Constraints on averaged statistics, in code and in strings."""

import re
from collections.abc import Callable
from numbers import Real
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from taut.core.names import brief, find
from taut.errors import ArgumentError
from taut.objectives.traced_numbers import number, shown

STATISTICS = ("expected_log_likelihood", "kl", "elbo")


def as_statistic(statistic: str | Callable | None) -> str | Callable:
    """A function of the statistics as it is, or the name of one, however it is spelled.

    Raises:
        ArgumentError: with the names.
    """
    found = statistic if callable(statistic) else find(statistic, STATISTICS)
    if found is None:
        raise ArgumentError(
            f"{brief(statistic)} was received as a statistic: there are {', '.join(STATISTICS)}, or give a function of "
            "the dictionary of them."
        )
    return found


def measure(statistic: str | Callable, statistics: dict[str, Float[Array, "..."]]) -> Float[Array, ""]:
    """The statistic's value among the averaged `statistics`."""
    if callable(statistic):
        return statistic(statistics)
    if statistic == "elbo":
        return statistics["expected_log_likelihood"] - statistics["kl"]
    return statistics[statistic]


class Constraint(eqx.Module):
    """A bound on a statistic; its violation is positive where it is not met.

    Attributes:
        statistic: "expected_log_likelihood", "kl", "elbo", or a function from the dictionary of averaged statistics to
            a scalar.
        bound: The bound, in the statistic's units (nats per example for a VAE). It is traced and never
            learned: another bound compiles nothing new.
        above: True for "at least", False for "at most".
    """

    statistic: str | Callable = eqx.field(static=True, converter=as_statistic)
    bound: Any = eqx.field(converter=number)
    above: bool = eqx.field(static=True)

    def __check_init__(self):
        if not isinstance(self.bound, Real) or not np.isfinite(float(self.bound)):
            raise ArgumentError(f"A constraint needs a finite number to be held to; received {shown(self.bound)}.")
        if self.statistic == "kl" and not self.above and self.bound <= 0:
            raise ArgumentError(f"{self} cannot be met: a KL is never negative, and 0 where nothing is learned.")

    def violation(self, statistics: dict[str, Float[Array, "..."]]) -> Float[Array, ""]:
        """How far the statistic is on the wrong side, in its own units; negative is slack."""
        measured = measure(self.statistic, statistics)
        return self.bound - measured if self.above else measured - self.bound

    @property
    def scale(self) -> Any:
        """The size of the bound, by which violations are made comparable; 1 for a bound of zero."""
        return abs(self.bound) + (self.bound == 0)  # no branch: the bound may be traced

    def __str__(self) -> str:
        name = self.statistic if isinstance(self.statistic, str) else getattr(self.statistic, "__name__", "statistic")
        return f"{name}{'>=' if self.above else '<='}{self.bound:g}"


def at_least(statistic: str | Callable, bound: float) -> Constraint:
    """`statistic >= bound`.

    Example:
        >>> str(at_least("expected_log_likelihood", -80.0))
        'expected_log_likelihood>=-80'
    """
    return Constraint(statistic, bound, above=True)


def at_most(statistic: str | Callable, bound: float) -> Constraint:
    """`statistic <= bound`.

    Example:
        >>> float(at_most("kl", 12.0).violation({"kl": 15.0}))
        3.0
    """
    return Constraint(statistic, bound, above=False)


def parse_constraint(text: str) -> Constraint | None:
    """A constraint as written on a command line, e.g. `kl<=12`; None if the text is none.

    Example:
        >>> parse_constraint("kl<=12") == at_most("kl", 12.0)
        True
    """
    match = re.fullmatch(r"\s*([A-Za-z_]+)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)\s*", text)
    if match is None:
        return None
    name, sign, digits = match.groups()
    try:
        bound = float(digits)
    except ValueError:
        raise ArgumentError(f"In the constraint {text!r}, {digits!r} is not a number.") from None
    return Constraint(name, bound, above=sign.startswith(">"))
