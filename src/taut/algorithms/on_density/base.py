"""Algorithms that see the model through batches of log densities and scores."""

import abc
from typing import Any, ClassVar, NamedTuple

import numpy as np

from taut.algorithms.base import Algorithm, Brings
from taut.core.capabilities import Capability
from taut.errors import PairingError
from taut.families.base import Family
from taut.families.full_rank import FullRank
from taut.families.mean_field import MeanField
from taut.gradients import Reparametrization
from taut.models.density import Density
from taut.problem import Problem


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

    @property
    def iterations(self) -> int:
        """Accepted steps."""
        return len(self.history.get("bound", ()))

    @classmethod
    def nowhere(cls, density: Density) -> "Settled":
        """No start has a finite ELBO."""
        return cls(None, {}, False, np.inf, {}, False, [], density.evaluations)


class OnDensity(Algorithm):
    """An algorithm that sees the model through batches of log densities and scores: linear algebra on the host.

    It takes no gradient estimator and no minibatches, and ends within seconds, so that nothing is saved on the way.
    """

    deterministic: ClassVar[bool] = True
    whole: ClassVar[bool] = True
    brings = Brings(Reparametrization, "matched draws")
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

    @abc.abstractmethod
    def run(self, density: Density, problem: Problem, seed: int) -> Settled:
        """Fit `problem.family` to `density`."""


def origin_of(problem: Problem) -> np.ndarray:
    """Where a Gaussian family starts, `[D]`."""
    family: Any = problem.family
    return np.asarray(family.mean, float)
