"""Estimators of the gradient of an expectation over q, as surrogates of the statistics."""

import abc
import dataclasses
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.arguments import plain
from taut.core.capabilities import Capability, sentence
from taut.core.names import brief
from taut.errors import ArgumentError
from taut.families.base import Family
from taut.models.base import Model
from taut.models.target import Target
from taut.objectives.base import Objective


class Info(NamedTuple):
    """What an estimator saw besides the statistics.

    Attributes:
        terms: The two ELBO terms, whatever was maximised; no gradient flows through them.
        observed: What the estimator's memory needs of this step.
    """

    terms: dict[str, Float[Array, ""]]
    observed: Any


class Gradient(eqx.Module):
    """An estimator of the gradient, written for one unit as a surrogate.

    The surrogate's value is the estimate of the statistics, and its derivative the estimated derivative, for the
    model's and the family's learned leaves at once; the chain rule through the objective's `value` does the rest.

    Attributes:
        samples: K, the number of draws of z for each unit and step.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names that are understood."""
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    closed_kl: ClassVar[bool] = True
    """Whether the estimator can take the KL in closed form."""
    noiseless: ClassVar[bool] = False
    """Whether the gradient is exact, so that there is nothing to draw and no number of draws to choose."""
    noise_grows: ClassVar[bool] = False
    """Whether the variance grows with the number of the family's parameters."""
    learning_rate: ClassVar[float]
    """Step of Adam that suits the estimator's noise, for parameters of order 1 (see `rate`)."""
    local_samples: ClassVar[int] = 1
    """Draws that suffice where each example has its own z, since a batch averages over many."""

    samples: int = eqx.field(static=True, default=10, converter=plain)

    def __check_init__(self):
        if not isinstance(self.samples, int) or isinstance(self.samples, bool) or self.samples < 1:
            raise ArgumentError(
                f"{type(self).__name__}(samples={brief(self.samples)}): a positive whole number of draws is needed."
            )

    @property
    def unbiased(self) -> bool:
        """Whether the expectation of the estimate is the gradient."""
        return True

    @property
    def pathwise(self) -> bool:
        """Whether it differentiates the log density at its draws, and so misses what a jump contributes."""
        return Capability.DIFFERENTIABLE in self.needs

    @property
    def label(self) -> str:
        """The name with the parts that make it another estimator, as tables show it."""
        return self.name

    def with_samples(self, samples: int) -> Self:
        """The same estimator with another number of draws; itself where it draws nothing.

        Raises:
            ArgumentError: The estimator cannot work with as many.
        """
        return self if self.noiseless else dataclasses.replace(self, samples=samples)

    def evaluations(self, q: Family) -> int:
        """Evaluations of the log density at one z that one gradient costs, for one unit whose posterior is `q`.

        An evaluation together with its derivative counts once.
        """
        return self.samples

    def rate(self, family: Family) -> float:
        """Step of Adam at the start that suits this gradient of `family`."""
        return self.learning_rate

    def requirements(self, model: Model) -> AbstractSet[Capability]:
        """What this estimator asks of objective, model and family together."""
        return self.needs

    def supports(self, objective: Objective, model: Model, family: Family) -> str | None:
        """None if the parts go together, else what is missing, in words."""
        missing = (self.requirements(model) | objective.needs) - (objective.offers | model.offers | family.offers)
        return sentence(missing) if missing else None

    def init(self, statistics: Any) -> Any:
        """The estimator's memory at the start, given statistics of the right shape."""
        return ()

    def update(self, memory: Any, observed: Any) -> Any:
        """The memory after a step; `observed` is the average over units of what `surrogate` returned."""
        return memory

    def noise(self, key: PRNGKeyArray, q: Family) -> Any:
        """The random numbers of K draws, a pytree of `[K, ...]`: the only place where chance enters."""
        return q.noises(key, self.samples)

    @abc.abstractmethod
    def surrogate(
        self, noise: Any, objective: Objective, target: Target, q: Family, closed: frozenset[Capability], memory: Any
    ) -> tuple[dict[str, Float[Array, "..."]], Info]:
        """The statistics of one unit with the estimated gradient behind them.

        Args:
            noise: Pytree of `[K, ...]` from `noise`; a test puts quadrature nodes or all outcomes here.
            objective: The objective whose statistics are estimated.
            target: The joint density of the unit.
            q: The family's member for the unit.
            closed: The parts of the KL that are taken in closed form.
            memory: The estimator's memory, from earlier steps only, so that it is independent of these draws.
        """
