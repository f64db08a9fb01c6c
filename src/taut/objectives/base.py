"""What is maximised: a function of averages of statistics."""

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.objectives.draws import Draws


class Objective(eqx.Module):
    """A function of the averages over units of per-unit statistics; larger is better.

    The cut is here, and not at one unit's bound, because constraints and free bits act on the *averages*.
    """

    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    closed_kl: ClassVar[bool] = True
    """Whether the KL may be had in closed form (a bound made of log-weights needs every draw's own log q)."""

    @property
    def offers(self) -> AbstractSet[Capability]:
        """What gradients may ask of this objective."""
        return frozenset()

    def check(self, budget: int) -> None:
        """Refuse a training of `budget` steps that could not do what the objective says."""

    def init(self) -> Any:
        """The objective's memory at the start: multipliers and averages, () where there are none."""
        return ()

    def statistics(self, draws: Draws) -> dict[str, Float[Array, "..."]]:
        """The named statistics of one unit; may be a function of all K draws."""
        raise NotImplementedError

    def value(self, statistics: dict[str, Any], memory: Any, step: Any) -> Float[Array, ""]:
        """The objective, from the statistics averaged over units; larger is better."""
        raise NotImplementedError

    def update(self, memory: Any, statistics: dict[str, Any], step: Any) -> Any:
        """The memory after this step's measured statistics."""
        return memory

    def shown(self, memory: Any, statistics: dict[str, Any], step: Any) -> dict[str, Any]:
        """What history carries of this step beside the ELBO's terms and the value: weights, multipliers, violations."""
        return {}
