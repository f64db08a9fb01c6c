"""The protocol of algorithms: how q moves, and what the learning loop asks of a stepwise algorithm."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, PRNGKeyArray

from taut.core.batch import Batch
from taut.core.capabilities import Capability, sentence
from taut.errors import PairingError
from taut.families import Family
from taut.gradients import Gradient
from taut.problem import Problem, evaluations

NEVER = 2**30
"""More steps than a chunk has."""


class Brings(NamedTuple):
    """The gradient estimator that an algorithm brings.

    Attributes:
        gradient: The class of the estimator.
        what: The name of the estimator in a sentence.
    """

    gradient: type[Gradient]
    what: str


class Algorithm(eqx.Module):
    """An algorithm moves q. It is a `Stepwise` or an `OnDensity` algorithm.

    Attributes:
        steps: Largest number of steps.
        needs: The capabilities that the problem must offer.
        deterministic: Whether it draws no random numbers from step to step.
        whole: Whether it sees the data whole, so that it takes no minibatches.
        brings: The gradient estimator that it brings; None where it takes any.
        family: The family that it has of its own; None where it takes any that offers what it needs.
    """

    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    deterministic: ClassVar[bool] = False
    whole: ClassVar[bool] = False
    brings: ClassVar[Brings | None] = None
    family: ClassVar[type[Family] | None] = None
    steps: eqx.AbstractVar[int]

    def estimator(self, problem: Problem) -> Gradient | None:
        """The gradient estimator whose noise its steps have; None where it uses none.

        Args:
            problem: The problem, whose gradient is a place-holder for an algorithm that uses none.
        """
        return problem.gradient

    def check(self, problem: Problem) -> None:
        """Refuse a problem that this algorithm cannot serve, before any step.

        Raises:
            PairingError: with what is missing.
        """
        problem.check()
        problem.objective.check(self.steps)
        missing = self.needs - problem.offers
        if missing:
            raise PairingError(
                f"The {self.name} algorithm needs {sentence(missing)}; {type(problem.model).__name__} with the "
                f"{problem.family.name} family does not offer it. Use algorithm=taut.algorithms.StochasticGradient()."
            )
        if self.brings is not None and problem.gradient.name != self.brings.gradient.name:
            raise PairingError(
                f"The {self.name} algorithm brings {self.brings.what} of its own and takes no {problem.gradient.name} "
                "gradient; leave gradient out, or use algorithm=taut.algorithms.StochasticGradient()."
            )


class Stepwise(Algorithm):
    """`init` and `step` are pure functions; the state is for the next step, the info for a person.

    A state has `problem` and `step` among its fields. An info is a dictionary of arrays with at least `elbo`,
    `expected_log_likelihood`, `kl` and `bound` (the objective's value; larger is better).

    What is measured of few steps only is no part of `step`: an algorithm that measures something says in how many steps
    it is due (`to_measurement`), and `measure` then follows that step, with what the step let it see (`seen_step`).

    Attributes:
        chunk: Largest number of steps in one call of a compiled loop.
    """

    chunk: ClassVar[int]

    @abc.abstractmethod
    def init(self, problem: Problem, dtype: np.dtype) -> Any:
        """The state before the first step, its arrays in NumPy where that saves a compilation."""

    @abc.abstractmethod
    def step(self, key: PRNGKeyArray, state: Any, batch: Batch) -> tuple[Any, dict[str, Array]]:
        """One step; runs compiled."""

    def seen_step(self, key: PRNGKeyArray, state: Any, batch: Batch) -> tuple[Any, dict[str, Array], Any]:
        """One step, and what `measure` needs of it besides the state; runs compiled."""
        return *self.step(key, state, batch), None

    def to_measurement(self, state: Any) -> Int[Array, ""] | int:
        """Number of steps from `state` on, at least one, of which `measure` has nothing to do but after the last."""
        return NEVER

    def measure(self, state: Any, seen: Any) -> Any:
        """The state with what is measured after a step; unchanged where nothing is due."""
        return state

    def finished(self, state: Any) -> Bool[Array, ""] | bool:
        """Whether the algorithm has ended by itself."""
        return False

    def converged(self, state: Any) -> Bool[Array, ""] | bool:
        """Whether it ended because its certificate was met; asked only of a finished state."""
        return True

    def healthy(self, info: dict[str, Array]) -> Bool[Array, ""] | bool:
        """Whether the step just made may be built upon."""
        return jnp.isfinite(info["bound"])

    def output(self, state: Any) -> Problem:
        """The learned problem: the model may be learned too, so not the family alone."""
        return state.problem

    def terms(self, state: Any) -> tuple[Array, Array, Array] | None:
        """ELBO, expected log-likelihood and KL at the output, in nats; None where they are not known exactly."""
        return None

    def certificate(self, state: Any) -> float | None:
        """Nats that are left to gain, by the algorithm's own certificate; None where it has none."""
        return None

    def iterations(self, state: Any) -> int:
        """Number of accepted steps; rejected trials are counted in `state.step` alone."""
        return int(state.step)

    def gradient_evaluations(self, problem: Problem, state: Any, rows: int, batch_size: int | None) -> float:
        """Number of gradients of the log density at one z over the full data; a minibatch counts its share."""
        return int(state.step) * evaluations(problem, rows, batch_size)

    @abc.abstractmethod
    def diagnose(self, key: PRNGKeyArray, state: Any, batch: Batch) -> dict[str, Any]:
        """The terms and derivatives of one step by name, to say which of them is not finite."""
