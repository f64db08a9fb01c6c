"""What a fit says of its cost, that of a verdict included which is given when first asked for."""

import dataclasses
import functools
from typing import Any, Self

from taut.core.cost import CHAINS, LEARNING, PREPARING, RICHER_FAMILIES, VERDICT, Cost, Ledger, Spent

PHASES = {"prepare": (PREPARING,), "learn": (LEARNING,), "evaluate": (VERDICT, RICHER_FAMILIES, CHAINS)}
"""The stages of each phase in `Fit.seconds`."""
GIVEN_LATER = {"judgement", "verdict", "_later"}
"""What is computed when first asked for, with its cost."""


@dataclasses.dataclass(frozen=True, kw_only=True, repr=False)
class Costed:
    """A fit as far as its cost goes.

    Attributes:
        spent: what the fit cost until it was returned.
    """

    spent: Cost

    @property
    def cost(self) -> Cost:
        """What the answer cost so far: gradients, log densities and seconds, in all and by stage.

        A verdict that is given when first asked for is in it from then on.
        """
        return self.spent + self._later.cost

    @property
    def gradient_evaluations(self) -> float:
        """All gradients of the log density at one z over the full data so far, those of chains among them."""
        return self.cost.gradients

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds so far: "prepare", "learn", "evaluate" (the final ELBO, the verdict and what it led to), "total"."""
        cost = self.cost
        spent = {name: sum(cost.stages.get(s, Spent()).seconds for s in of) for name, of in PHASES.items()}
        return spent | {"total": cost.seconds}

    @functools.cached_property
    def _later(self) -> Ledger:
        """Where the cost of a verdict is entered that is given when first asked for."""
        return Ledger()

    def replaced(self, **fields: Any) -> Self:
        """The same fit with some other fields, and with the verdict where one was given."""
        other = dataclasses.replace(self, **fields)
        vars(other).update({name: x for name, x in vars(self).items() if name in GIVEN_LATER})
        return other
