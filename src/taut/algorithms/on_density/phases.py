r"""Natural-gradient ascent on a full-rank Gaussian from gradients alone: no learning rate, no Hessian.

*Phase 1* holds a set of matched draws fixed and takes natural-gradient steps by score regression (`gaussians.py`).
Their length is the secant's, and is halved while the same-draw ELBO falls. The phase ends when a step covers less than
`TOLERANCE` nats of symmetric KL divergence.

*Phase 2* takes fresh draws in each iteration with steps 1 / (t + 2), which averages the natural parameters. The scatter
of where the single steps would have gone is the Monte Carlo error of the answer. The better of both phases, on fresh
draws that both share, is kept.

Sources: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009; R. Giordano, M. Ingram,
T. Broderick, Black Box Variational Inference with a Deterministic Objective, 2024 (fixed draws); B. Polyak and
A. Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import Gaussian, even_draws, score, stepped
from taut.models.density import Density

TOLERANCE = 1e-4
"""Nats of symmetric KL divergence below which a full step of phase 1 has arrived."""
SHORTEST = 2.0**-20
"""Length of a step below which phase 1 has stalled."""
LEAST_SECANT, MOST_SECANT = 0.25, 4.0
"""Shortest and longest step by the secant rule."""
FAIR_DROP = 2.0
"""Standard errors by which a step may lower the same-draw ELBO. The fixed point of score regression is not exactly the
maximum of that ELBO, and without this allowance the steps would become ever smaller."""
EARLIEST, SURE = 4, 5.0
"""Number of batches after which phase 2 may end early, and the factor by which its error must then be below the target:
four batches know their own error to a factor of five (chi-square with 3 degrees of freedom, 99 %), ten to two."""


class Phase(NamedTuple):
    """The outcome of a phase.

    Attributes:
        gaussian: The Gaussian at the end.
        elbo: Its ELBO on the phase's own draws, in nats.
        converged: Whether a step covered less than the tolerance.
        covered: Symmetric KL divergence of the last step, in nats.
        iterations: Number of accepted steps.
        elbos: `[iterations]`, the ELBO before each accepted step.
        log_likelihoods: `[iterations]`, the expected log-likelihood before each accepted step.
    """

    gaussian: Gaussian
    elbo: float
    converged: bool
    covered: float
    iterations: int
    elbos: list[float]
    log_likelihoods: list[float]


def draws_for(dim: int) -> int:
    """The number of draws in each batch: 4D, at least 64; 2D above a hundred coordinates."""
    return max(4 * dim if dim <= 100 else 2 * dim, 64)


def fixed_draws(density: Density, start: Gaussian, z: Float[np.ndarray, "S D"], most: int) -> Phase:
    """Phase 1: at most `most` trials on the draws `z`.

    The iteration is x <- x + rho f(x) with f = (gbar, H - I). Near the fixed point f changes by -rho J f in a step, and
    where J has an eigenvalue of 2 or more full steps overshoot for ever, while along small eigenvalues they creep: so
    the next length is the secant's 1 / (f' J f / f' f), between a quarter and four. Long steps halve the iterations on
    hierarchies.
    """
    q, here = start, score(density, start, z)
    elbos, log_likelihoods = [], []
    rho, covered, converged, tried = 1.0, np.inf, False, 0
    while np.isfinite(here.elbo) and tried < most and rho >= SHORTEST and not converged:
        tried += 1
        new, covered = stepped(q, here, rho)
        # A short step covers little wherever it starts: the tolerance shrinks with the square of its length.
        converged = covered < TOLERANCE * rho**2
        if converged:
            break
        there = score(density, new, z)
        # paired: the same draws on both sides, so that the error of the difference is what counts
        with np.errstate(invalid="ignore"):
            error = float(np.std(there.values - here.values)) / np.sqrt(len(z))
        allowed = min(FAIR_DROP * error, 0.5 * covered) if np.isfinite(error) else 0.0
        if not there.elbo >= here.elbo - allowed:
            rho *= 0.5
            continue
        elbos.append(here.elbo)
        log_likelihoods.append(here.log_likelihood)
        before, after = here.residual, there.residual
        slope = (1 - after @ before / (before @ before)) / rho if before.any() else 1.0
        rho = float(np.clip(1 / slope, LEAST_SECANT, MOST_SECANT)) if slope > 0 else 1.0
        q, here = new, there
    return Phase(q, here.elbo, converged, float(covered), len(elbos), elbos, log_likelihoods)


class Averaged(NamedTuple):
    """The outcome of phase 2.

    Attributes:
        phase: The outcome as of phase 1.
        mean_error: `[D]`, Monte Carlo standard error of the means, in sd.
        sd_error: `[D]`, Monte Carlo standard error of the log sds.
    """

    phase: Phase
    mean_error: Float[np.ndarray, " D"]
    sd_error: Float[np.ndarray, " D"]


def fresh_draws(
    density: Density,
    start: Gaussian,
    rng: np.random.Generator,
    size: int,
    least: int = 10,
    most: int = 40,
    error: float = 0.02,
) -> Averaged:
    """Phase 2: averaged steps on fresh draws, until the Monte Carlo error is below `error` in sd and log sd."""
    q, means, sds, elbos, log_likelihoods = start, [], [], [], []
    covered, mean_error, sd_error = np.inf, np.full(density.dim, np.inf), np.full(density.dim, np.inf)
    for t in range(most):
        here = score(density, q, even_draws(rng, size, density.dim))
        if not np.isfinite(here.elbo):
            break
        target, _ = stepped(q, here, 1.0)
        means.append(target.mean)
        sds.append(np.log(target.sd))
        elbos.append(here.elbo)
        log_likelihoods.append(here.log_likelihood)
        q, covered = stepped(q, here, 1.0 / (t + 2))
        if t + 1 >= EARLIEST:
            mean_error = np.std(means, axis=0, ddof=1) / np.sqrt(t + 1) / q.sd
            sd_error = np.std(sds, axis=0, ddof=1) / np.sqrt(t + 1)
            unsure = SURE ** max(0.0, (least - t - 1) / (least - EARLIEST))
            if max(mean_error.max(), sd_error.max()) < error / unsure:
                break
    converged = max(mean_error.max(), sd_error.max()) < error
    elbo = float(np.mean(elbos)) if elbos else -np.inf
    return Averaged(Phase(q, elbo, converged, covered, len(elbos), elbos, log_likelihoods), mean_error, sd_error)
