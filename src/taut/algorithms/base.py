"""How q moves: three methods that the learning loop knows, and nothing of the mathematics."""

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, PRNGKeyArray

from taut.core.batch import Batch
from taut.core.capabilities import Capability, sentence
from taut.errors import PairingError
from taut.families.base import Family
from taut.families.full_rank import FullRank
from taut.families.mean_field import MeanField
from taut.models.density import Density
from taut.problem import Problem


class Algorithm(eqx.Module):
    """Moves q: `init` and `step` are pure functions; the state is for the next step, the info for a person.

    A state has `problem` and `step` among its fields. An info is a dictionary of arrays with at least `elbo`,
    `expected_log_likelihood`, `kl` and `bound` (the objective's value; larger is better).

    Attributes:
        steps: the budget.
    """

    name: ClassVar[str]
    chunk: ClassVar[int]
    """Most steps between two looks from Python."""
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    deterministic: ClassVar[bool] = False
    brings: ClassVar[tuple[str, str] | None] = None
    """Name and kind of the gradient estimator that it brings; None where it takes any."""
    steps: eqx.AbstractVar[int]

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
                f"{problem.family.name} "
                "family does not offer it. Use algorithm=taut.algorithms.StochasticGradient()."
            )
        if self.brings is not None and problem.gradient.name != self.brings[0]:
            raise PairingError(
                f"The {self.name} algorithm brings {self.brings[1]} of its own and takes no {problem.gradient.name} "
                "gradient; leave gradient out, or use algorithm=taut.algorithms.StochasticGradient()."
            )

    def init(self, problem: Problem, dtype: np.dtype) -> Any:
        """The state before the first step, its arrays in NumPy where that saves a compilation."""
        raise NotImplementedError

    def step(self, key: PRNGKeyArray, state: Any, batch: Batch) -> tuple[Any, dict[str, Array]]:
        """One step; runs compiled."""
        raise NotImplementedError

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
        """ELBO, expected log-likelihood and KL at the output, where the algorithm knows them exactly."""
        return None

    def certificate(self, state: Any) -> float | None:
        """Nats that are left to gain, by the algorithm's own certificate; None where it has none."""
        return None

    def iterations(self, state: Any) -> int:
        """Accepted steps; rejected trials are counted in `state.step` alone."""
        return int(state.step)

    def gradient_evaluations(self, problem: Problem, state: Any, rows: int, batch_size: int | None) -> float:
        """Gradients of the log density at one z over the full data; a minibatch counts its share."""
        local = problem.model.local  # then q is another one for each row, and a draw is an evaluation
        each = problem.gradient.samples if local else problem.gradient.evaluations(problem.family)
        return float(int(state.step) * each * (batch_size or rows) / rows)

    def diagnose(self, key: PRNGKeyArray, state: Any, batch: Batch) -> dict[str, Any]:
        """The terms and derivatives of one step by name, to say which of them is not finite."""
        raise NotImplementedError


class Settled(NamedTuple):
    """The answer of an algorithm that works on a `Density`, and what it says of its own convergence.

    Attributes:
        family: q; None where no start had a finite ELBO.
        history: `[iterations]` by name.
        settled: whether its certificate was met.
        left: nats that are left to gain, by its own estimate; NaN where a check on the full data is to say.
        figures: what else it measured, by name.
        recurred: whether another start found the same ELBO.
        rivals: Gaussians at distinct optima with their ELBOs, the best first.
        evaluations: gradients of log p over the full data.
    """

    family: Family | None
    history: dict[str, np.ndarray]
    settled: bool
    left: float
    figures: dict[str, float]
    recurred: bool
    rivals: list[Any]
    evaluations: int

    @classmethod
    def nowhere(cls, density: Density) -> "Settled":
        """No start has a finite ELBO."""
        return cls(None, {}, False, np.inf, {}, False, [], density.evaluations)


class OnDensity(Algorithm):
    """An algorithm that sees the model through batches of log densities and scores: linear algebra on the host.

    It takes no gradient estimator and no minibatches, and ends within seconds, so that nothing is saved on the way.
    """

    chunk: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    brings = ("reparametrization", "matched draws")
    needs = frozenset({Capability.DIFFERENTIABLE, Capability.PRECISION, Capability.EVIDENCE_BOUND})
    fits: ClassVar[type[FullRank] | type[MeanField]] = FullRank
    """The Gaussian family whose best member it finds."""

    def check(self, problem):
        """As every algorithm, and the family that it fits."""
        super().check(problem)
        if not isinstance(problem.family, self.fits):
            raise PairingError(
                f"The {self.name} algorithm fits a {self.fits.name} Gaussian and not a {problem.family.name} one; use "
                f"family={self.fits.name!r}, or algorithm=taut.algorithms.StochasticGradient()."
            )

    def run(self, density: Density, problem: Problem, seed: int) -> Settled:
        """Fit `problem.family` to `density`."""
        raise NotImplementedError

    def gradient_evaluations(self, problem, state, rows, batch_size):
        """As counted by the density."""
        return float(state.evaluations)

    def iterations(self, state):
        """Those of history."""
        return len(state.history.get("bound", ()))


def origin_of(problem: Problem) -> np.ndarray:
    """Where a Gaussian family starts, `[D]`."""
    family: Any = problem.family
    return np.asarray(family.mean, float)
