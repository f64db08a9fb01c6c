"""What is maximised: a function of averages of statistics."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.objectives.constraints import Constraint
from taut.objectives.draws import Draws
from taut.objectives.schedules import Constant, Schedule


class Objective(eqx.Module):
    """A function of the averages over units of per-unit statistics; larger is better.

    Constraints and free bits act on the *averages*, so an objective is a function of those and not of one unit's bound.
    """

    name: ClassVar[str]
    written: ClassVar[str] = ""
    """How it is written on a command line, with an example of each number; "" where it is not."""
    words: ClassVar[tuple[str, ...]] = ()
    """The names in its form, which may be spelled with capitals, blanks or underscores."""
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    closed_kl: ClassVar[bool] = True
    """Whether the KL may be taken in closed form (a bound made of log-weights needs every draw's own log q)."""

    @classmethod
    def parse(cls, text: str, steps: int) -> "Written | None":
        """The objective that is written as `text`, with the draws that it fixes; None where this is not its form.

        Args:
            text: The form, without blanks around it.
            steps: Number of training steps, over which a schedule is laid.

        Raises:
            ArgumentError: Its form, with a number that makes no sense.
        """
        return None

    @property
    def offers(self) -> AbstractSet[Capability]:
        """What gradients may ask of this objective."""
        return frozenset()

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The constraints whose multipliers the memory holds; () where there are none."""
        return ()

    @property
    def kl_weight(self) -> Schedule:
        """The weight of the KL, as a function of the step."""
        return Constant(1.0)

    def check(self, budget: int) -> None:
        """Refuse a training of `budget` steps that would end before the KL's weight has reached its final value.

        Raises:
            ArgumentError: The schedule of the weight is longer than the training.
        """
        self.kl_weight.check(budget)

    def init(self) -> Any:
        """The objective's memory at the start: multipliers and averages, () where there are none."""
        return ()

    @abc.abstractmethod
    def statistics(self, draws: Draws) -> dict[str, Float[Array, "..."]]:
        """The named statistics of one unit; may be a function of all K draws."""

    @abc.abstractmethod
    def value(self, statistics: dict[str, Float[Array, "..."]], memory: Any, step: Any) -> Float[Array, ""]:
        """The objective, from the statistics averaged over units; larger is better."""

    def update(self, memory: Any, statistics: dict[str, Float[Array, "..."]], step: Any) -> Any:
        """The memory after this step's measured statistics."""
        return memory

    def shown(self, memory: Any, statistics: dict[str, Float[Array, "..."]], step: Any) -> dict[str, Any]:
        """What history carries of this step beside the ELBO's terms and the value: weights, multipliers, violations."""
        return {}


Written = tuple[Objective, int | None]
"""An objective that was written in words, and the number of draws that it fixes (None where it fixes none)."""
