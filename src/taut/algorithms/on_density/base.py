"""Algorithms that see the model through batches of log densities and scores."""

import abc
from typing import Any, ClassVar, NamedTuple

import numpy as np

from taut.algorithms.base import Algorithm, Brings
from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.capabilities import Capability
from taut.errors import PairingError
from taut.families.base import Family
from taut.families.full_rank import FullRank
from taut.families.mean_field import MeanField
from taut.families.stretched import StretchedGaussian
from taut.gradients import Reparametrization
from taut.models.density import Density
from taut.problem import Problem


class Solution(NamedTuple):
    """The answer of an algorithm that works on a `Density`, and what the algorithm says of its own convergence.

    Attributes:
        family: q.
        history: `[iterations]` by name.
        converged: Whether the certificate was met.
        left: Nats that are left to gain, by the algorithm's own estimate; NaN where a check on the full data is to say.
        figures: Further figures, by name.
        recurred: Whether another start found the same ELBO.
        rivals: Gaussians at distinct optima with their ELBOs, the best first.
        evaluations: Number of gradients of log p over the full data.
    """

    family: Family
    history: dict[str, np.ndarray]
    converged: bool
    left: float
    figures: dict[str, float]
    recurred: bool
    rivals: list[tuple[Gaussian, float]]
    evaluations: int

    @classmethod
    def alone(cls, family: Family) -> "Solution":
        """An answer that is certified as the only optimum."""
        return cls(family, {}, True, 0.0, {}, True, [], 0)

    @property
    def iterations(self) -> int:
        """Number of accepted steps."""
        return len(self.history["bound"])

    @property
    def share_of_rivals(self) -> float:
        """Share of the mass that the optima besides the best seem to hold, by their ELBOs."""
        if len(self.rivals) < 2:
            return 0.0
        elbos = np.array([elbo for _, elbo in self.rivals])
        mass = np.exp(elbos - elbos.max())
        return float(1 - mass.max() / mass.sum())


class OnDensity(Algorithm):
    """An algorithm that sees the model through batches of log densities and scores: linear algebra on the host.

    It takes no gradient estimator and no minibatches. It ends within seconds, so that nothing is saved on the way.

    Attributes:
        fits: The Gaussian family whose best member it finds.
    """

    deterministic: ClassVar[bool] = True
    whole: ClassVar[bool] = True
    brings = Brings(Reparametrization, "matched draws")
    needs = frozenset({Capability.DIFFERENTIABLE, Capability.PRECISION, Capability.EVIDENCE_BOUND})
    fits: ClassVar[type[FullRank] | type[MeanField] | type[StretchedGaussian]] = FullRank

    def estimator(self, problem):
        """None: scores at draws of its own."""
        return

    def check(self, problem):
        """As every algorithm, and the family that it fits."""
        super().check(problem)
        if not isinstance(problem.family, self.fits):
            raise PairingError(
                f"The {self.name} algorithm fits a {self.fits.name} Gaussian and not a {problem.family.name} one; use "
                f"family={self.fits.name!r}, or algorithm=taut.algorithms.StochasticGradient()."
            )

    @abc.abstractmethod
    def run(self, density: Density, problem: Problem, seed: int) -> Solution | None:
        """Fit `problem.family` to `density`; None where no start has a finite ELBO."""

    @staticmethod
    def start_of(problem: Problem) -> np.ndarray:
        """The mean at which the Gaussian family of a problem starts, `[D]`."""
        family: Any = problem.family  # a Gaussian, as `check` says
        return np.asarray(family.mean, float)
