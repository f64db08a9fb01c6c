r"""The default for any differentiable log density: a full-rank Gaussian without a learning rate, from many starts."""

from typing import ClassVar

import equinox as eqx
import numpy as np

from taut.algorithms.on_density.base import OnDensity, Solution
from taut.algorithms.on_density.gaussians import divergence, matched_draws
from taut.algorithms.on_density.phases import Averaged, Phase, draws_for, fresh_draws
from taut.algorithms.on_density.search import Found, search
from taut.core.arguments import plain
from taut.errors import ArgumentError
from taut.families.full_rank import FullRank
from taut.models.density import Density

COMPARED = 256
"""Smallest number of fresh draws on which the two phases are compared."""
ALLOWED = 0.01
"""Nats by which phase 2's answer may be below phase 1's: more draws are behind it."""


class ScoreRegression(OnDensity):
    r"""Natural-gradient ascent by score regression, from many starts, with its own certificate.

    .. math:: H = -E_q[(L^\top \nabla \log p)\, \epsilon^\top], \qquad \bar g = E_q[L^\top \nabla \log p], \qquad
        \theta = \mu + L \epsilon

    (Stein's identity) give the natural gradient of the ELBO from gradients of log p alone. Sixteen ascents find
    where to begin, phase 1 converges on fixed draws, and phase 2 averages over fresh draws until the Monte Carlo error
    of every mean and log sd is below `error`.

    Attributes:
        steps: Largest number of iterations of phase 2.
        error: Standard error at which phase 2 ends, in posterior sds.

    Example:
        >>> ScoreRegression().error
        0.02

    Sources: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009; L. Zhang,
    B. Carpenter, A. Gelman, A. Vehtari, Pathfinder, 2022; R. Giordano, M. Ingram, T. Broderick, Black Box Variational
    Inference with a Deterministic Objective, 2024.
    """

    name: ClassVar[str] = "score regression"
    steps: int = eqx.field(static=True, default=40, converter=plain)
    error: float = eqx.field(static=True, default=0.02)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 2:
            raise ArgumentError(f"steps={self.steps!r}: a whole number of at least 2 is needed, e.g. steps=40.")
        if not self.error > 0:
            raise ArgumentError(f"error={self.error!r}: a positive number of posterior sds is needed, e.g. 0.02.")

    def run(self, density, problem, seed):
        """Search, converge on fixed draws, average over fresh draws, and keep the better."""
        rng = np.random.default_rng(seed)
        origin = self.start_of(problem)
        found = search(density, origin, rng)
        if found is None:
            return None
        averaged = fresh_draws(
            density, found.best.gaussian, rng, draws_for(density.dim), most=self.steps, error=self.error
        )
        best = _better(found.best, averaged, density, rng)
        return Solution(
            family=FullRank.of(*best.gaussian),
            history=_history(found.best, averaged.phase),
            converged=found.best.converged and bool(np.isfinite(averaged.phase.elbo)),
            left=float(0.5 * np.sum(averaged.mean_error**2) + np.sum(averaged.sd_error**2)),
            figures=_figures(found, averaged),
            recurred=found.recurred,
            rivals=[(run.gaussian, run.elbo) for run in found.rivals],
            evaluations=density.evaluations,
        )


def _better(fixed: Phase, averaged: Averaged, density: Density, rng: np.random.Generator) -> Phase:
    """Phase 2's answer, unless phase 1's is significantly better on draws that both share."""
    fresh = averaged.phase
    if not np.isfinite(fresh.elbo):
        return fixed
    if divergence(fixed.gaussian, fresh.gaussian) < ALLOWED:  # around the optimum ELBOs differ by half as much
        return fresh
    z = matched_draws(rng, max(COMPARED, draws_for(density.dim)), density.dim)
    a, b = (density.values(run.gaussian.at(z))[0] + run.gaussian.entropy for run in (fixed, fresh))
    with np.errstate(invalid="ignore"):
        error = float(np.std(a - b)) / np.sqrt(len(z))
        return fixed if not np.mean(b) >= np.mean(a) - 2 * error - ALLOWED else fresh


def _history(fixed: Phase, fresh: Phase) -> dict[str, np.ndarray]:
    elbo = np.array(fixed.elbos + fresh.elbos)
    log_likelihood = np.array(fixed.log_likelihoods + fresh.log_likelihoods)
    phase = np.repeat([1, 2], [len(fixed.elbos), len(fresh.elbos)])
    return {
        "elbo": elbo,
        "bound": elbo,
        "expected_log_likelihood": log_likelihood,
        "kl": log_likelihood - elbo,
        "phase": phase,
    }


def _figures(found: Found, averaged: Averaged) -> dict[str, float]:
    return {
        "last_step": found.best.covered,
        "mean_error": float(averaged.mean_error.max()),
        "sd_error": float(averaged.sd_error.max()),
        "starts": found.starts,
        "phase_1_iterations": found.best.iterations,
        "phase_2_iterations": averaged.phase.iterations,
    }
