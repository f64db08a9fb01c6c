r"""The default above a thousand unknowns: a stretched Gaussian by score regression, at a cost linear in D.

*Start.* Four ascents, and a scale for each coordinate from the curvature along random signs.

*Phase 1* takes fresh pairs of draws in each iteration, solves for the mean on a few of them by L-BFGS, and regresses
the residuals (`stretched.py`) for diagonal and directions. A step that lowers the ELBO by more than its error is
halved. The batches grow with the number of directions and as the residuals shrink, since a direction is seen where
the noise of all others, spread over the draws, is less than its own strength.

*Phase 2* keeps the directions and averages mean, diagonal and stretches over fresh draws, as full-rank score
regression does; the scatter of the single steps is the Monte Carlo error.
"""

from typing import ClassVar, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.base import OnDensity, Solution
from taut.algorithms.on_density.phases import EARLIEST, SURE
from taut.algorithms.on_density.quasi_newton import maximise
from taut.algorithms.on_density.stretched import Residuals, Stretched, pruned, refitted, residuals
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families.stretched import StretchedGaussian
from taut.models.density import Density, DensityValues

STARTS, ASCENT = 4, 25
"""Number of ascents at the start, and trials of each."""
PROBES = 16
"""Number of random signs along which the curvature at the start is taken."""
LEAST_PAIRS, MOST_PAIRS, PAIRS_EACH = 64, 256, 24
"""Smallest number of pairs in a batch; the largest for the sake of the residuals; and pairs for each nat promised."""
MEAN_PAIRS, MEAN_TRIALS, LAST_TRIALS = 16, 20, 100
"""Pairs on which the mean is solved for; trials of L-BFGS in phase 1; and trials where the answer is checked."""
MOST_STEPS = 30
"""Largest number of iterations of phase 1."""
NEW = 64
"""Largest number of new directions in an iteration."""
SLIGHT = 0.3
"""Nats by which the ELBO must still rise, beyond its error, to go on."""
EXACT = 1e-5
"""Nats promised by a full step below which phase 1 has arrived."""
MOVE = 0.05
"""Largest change of a mean (in sds) or log sd that the last steps of phase 2 may still agree upon."""
AWAY = 3.0
"""Sds from which a second search for the mean begins."""
SAME_OPTIMUM = 0.3
"""Nats within which two searches have found the same ELBO."""


class LowRankRegression(OnDensity):
    r"""Natural-gradient ascent by score regression on a Gaussian with a diagonal and a few directions.

    .. math:: q = N(\mu, S B^2 S), \quad B = I + V (\mathrm{diag}(\nu) - I) V^\top, \qquad
        E_q[\rho_i u_i] = 0, \quad E_q[\rho\, (V^\top u)^\top] = 0

    where rho is the difference of the scores of q and p at u, in scaled coordinates. On a Gaussian target of this form
    the answer is exact. Given its directions, q is the best Gaussian; directions that promise less than 0.005 nats, and
    those beyond `rank`, are left out.

    Attributes:
        steps: Largest number of iterations of phase 2.
        error: Standard error at which phase 2 ends, in posterior sds.
        rank: Largest number of directions.

    Example:
        >>> LowRankRegression().rank
        256

    Sources: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009; C. Modi, D. Cai,
    L. Saul, Batch, Match, and Patch: Low-Rank Approximations for Score-Based Variational Inference, 2025.
    """

    name: ClassVar[str] = "low-rank score regression"
    needs = frozenset({Capability.DIFFERENTIABLE, Capability.EVIDENCE_BOUND})
    fits = StretchedGaussian
    family: ClassVar[type[StretchedGaussian]] = StretchedGaussian
    steps: int = eqx.field(static=True, default=40)
    error: float = eqx.field(static=True, default=0.02)
    rank: int = eqx.field(static=True, default=256)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 2:
            raise ArgumentError(f"steps={self.steps!r}: a whole number of at least 2 is needed, e.g. steps=40.")
        if not self.error > 0:
            raise ArgumentError(f"error={self.error!r}: a positive number of posterior sds is needed, e.g. 0.02.")
        if not isinstance(self.rank, int) or self.rank < 0:
            raise ArgumentError(f"rank={self.rank!r}: a whole number of directions is needed, e.g. rank=256.")

    def run(self, density, problem, seed):
        """Start, converge on fresh draws, average over more of them, and search for the mean once more."""
        rng = np.random.default_rng(seed)
        start = _start(density, self.start_of(problem), rng)
        if start is None:
            return None
        found = _converge(density, start, rng, self.rank)
        averaged = _average(density, found, rng, self.steps, self.error)
        arrived, recurred = _again(density, averaged.gaussian, rng)
        elbo = np.array(found.elbos + averaged.elbos)
        log_likelihood = np.array(found.log_likelihoods + averaged.log_likelihoods)
        return Solution(
            family=StretchedGaussian.of(*averaged.gaussian),
            history={
                "elbo": elbo,
                "bound": elbo,
                "expected_log_likelihood": log_likelihood,
                "kl": log_likelihood - elbo,
                "phase": np.repeat([1, 2], [len(found.elbos), len(averaged.elbos)]),
            },
            converged=found.converged and averaged.converged and arrived,
            left=float(0.5 * np.sum(averaged.mean_error**2) + np.sum(averaged.sd_error**2)),
            figures={
                "mean_error": float(averaged.mean_error.max()),
                "sd_error": float(averaged.sd_error.max()),
                "directions": float(averaged.gaussian.stretch.size),
                "phase_1_iterations": float(len(found.elbos)),
                "phase_2_iterations": float(len(averaged.elbos)),
            },
            recurred=recurred,
            rivals=[],
            evaluations=density.evaluations,
        )


class OverMeans:
    """The ELBO of a stretched Gaussian on fixed draws, up to its entropy, as a density over y: the mean is q.at(y).

    Args:
        density: log p.
        q: The Gaussian.
        z: `[N, D]`, one of each pair of draws.
    """

    def __init__(self, density: Density, q: Stretched, z: Float[np.ndarray, "N D"]):
        away = q.scale * q.turned(z)
        self.density, self.q, self.dim, self.away = density, q, density.dim, np.concatenate([away, -away])

    def __call__(self, points: Float[np.ndarray, "B D"]) -> DensityValues:
        """The averages over the draws at each y."""
        shape = len(points), len(self.away)
        values = self.density((self.q.at(points)[:, None] + self.away).reshape(-1, self.dim))
        gradient = values.gradient.reshape(*shape, -1).mean(1) * self.q.scale
        value = values.value.reshape(shape).mean(1)
        gradient = np.where(np.isfinite(value)[:, None], self.q.turned(gradient), 0.0)
        return DensityValues(value, gradient, values.log_likelihood.reshape(shape).mean(1))


def _start(density: Density, origin: np.ndarray, rng: np.random.Generator) -> Stretched | None:
    """The best end of a few ascents, with the size of the curvature of each coordinate there."""
    starts = origin + np.concatenate([np.zeros((1, density.dim)), rng.uniform(-2, 2, (STARTS - 1, density.dim))])
    ascents = maximise(density, starts, ASCENT)
    best = int(np.argmax(ascents.values))
    if not np.isfinite(ascents.values[best]):
        return None
    mean, scale = ascents.ends[best], np.ones(density.dim)
    for length in (np.cbrt(np.finfo(density.dtype).eps) * np.maximum(1.0, np.abs(mean)), None):
        signs = rng.choice([-1.0, 1.0], (PROBES, density.dim)) * (1e-2 * scale if length is None else length)
        one, other = np.split(density(np.concatenate([mean + signs, mean - signs])).gradient, 2)
        # the root mean square over signs is the length of a row of the curvature: narrow rather than wide
        rows = np.sqrt(np.mean(((one - other) / (2 * signs)) ** 2, axis=0))
        scale = 1 / np.sqrt(np.clip(np.nan_to_num(rows, nan=1.0), 1e-12, 1e12))
    return Stretched(mean, scale, np.zeros((density.dim, 0)), np.zeros(0))


class Converged(NamedTuple):
    """The outcome of phase 1.

    Attributes:
        gaussian: The Gaussian at the end.
        seen: Its residuals.
        converged: Whether nothing was left to gain.
        elbos: The ELBO after each accepted step.
        log_likelihoods: The expected log-likelihood after each accepted step.
    """

    gaussian: Stretched
    seen: Residuals
    converged: bool
    elbos: list[float]
    log_likelihoods: list[float]


def _pairs(q: Stretched, rng: np.random.Generator, promise: float) -> Float[np.ndarray, "N D"]:
    wanted = min(MOST_PAIRS, PAIRS_EACH * np.nan_to_num(promise, nan=np.inf))
    # half of them measure the directions, old and new: twice as many as there are
    return rng.standard_normal((int(max(LEAST_PAIRS + 4 * q.stretch.size, wanted)), q.mean.size))


def _centred(density: Density, q: Stretched, rng: np.random.Generator) -> tuple[Stretched, np.ndarray | None]:
    """q with the best mean on a few draws; and the direction in which it moved, which is one that q is narrow along."""
    over = OverMeans(density, q, rng.standard_normal((MEAN_PAIRS, density.dim)))
    end = maximise(over, np.zeros((1, density.dim)), MEAN_TRIALS).ends
    moved = q.turned(end)
    length = np.linalg.norm(moved)
    return q._replace(mean=q.at(end)[0]), (moved / length).T if length > 0.1 else None


def _converge(density: Density, start: Stretched, rng: np.random.Generator, rank: int) -> Converged:
    """Phase 1: steps on fresh pairs until the ELBO rises no more, twice in a row."""
    q, also = _centred(density, start, rng)
    here = residuals(density, q, _pairs(q, rng, 0.0))
    elbos, log_likelihoods, rho, still = [here.elbo], [here.log_likelihood], 1.0, 0
    for _ in range(MOST_STEPS):
        if here.promise < EXACT or still == 2:
            break
        most = max(1, min(NEW, len(here.z) // 4 - q.stretch.size, (density.dim - q.stretch.size) // 2))
        new = pruned(refitted(q, here, rho, most, also), min(rank, density.dim // 2))
        new, moved = _centred(density, new, rng)
        there = residuals(density, new, _pairs(new, rng, here.promise))
        noise = float(np.hypot(here.error, there.error))
        if np.isfinite(here.elbo) and not there.elbo >= here.elbo - 3 * noise - SLIGHT:
            rho *= 0.5
            continue
        still = still + 1 if there.elbo - here.elbo < SLIGHT + 2 * noise and np.isfinite(here.elbo) else 0
        q, here, also, rho = new, there, moved, min(1.0, 2 * rho)
        elbos.append(here.elbo)
        log_likelihoods.append(here.log_likelihood)
    return Converged(q, here, here.promise < EXACT or still == 2, elbos, log_likelihoods)


class Averaged(NamedTuple):
    """The outcome of phase 2.

    Attributes:
        gaussian: The Gaussian at the end.
        converged: Whether the errors are below the target and the last steps agree upon no further change.
        mean_error: `[D]`, Monte Carlo standard error of the means, in sd.
        sd_error: `[D]`, Monte Carlo standard error of the log sds.
        elbos: The ELBO before each step.
        log_likelihoods: The expected log-likelihood before each step.
    """

    gaussian: Stretched
    converged: bool
    mean_error: Float[np.ndarray, " D"]
    sd_error: Float[np.ndarray, " D"]
    elbos: list[float]
    log_likelihoods: list[float]


def _average(
    density: Density, found: Converged, rng: np.random.Generator, most: int, error: float, least: int = 10
) -> Averaged:
    """Phase 2: averaged steps on fresh draws, until the Monte Carlo error is below `error` in sd and log sd."""
    q, D = found.gaussian, density.dim
    means, sds, elbos, log_likelihoods = [], [], [], []
    mean_error, sd_error = np.full(D, np.inf), np.full(D, np.inf)
    for t in range(most):
        here = residuals(density, q, rng.standard_normal((max(LEAST_PAIRS, 2 * q.stretch.size + 2), D)))
        if not np.isfinite(here.elbo):
            break
        means.append(q.mean + q.scale * q.turned(here.gradient[None])[0])
        sds.append(np.log(refitted(q, here, 1.0).sd))
        elbos.append(here.elbo)
        log_likelihoods.append(here.log_likelihood)
        rho = 1 / (t + 2)
        q = refitted(q, here, rho)._replace(mean=q.mean + rho * (means[-1] - q.mean))
        if t + 1 >= EARLIEST:
            mean_error = np.std(means, axis=0, ddof=1) / np.sqrt(t + 1) / q.sd
            sd_error = np.std(sds, axis=0, ddof=1) / np.sqrt(t + 1)
            if max(mean_error.max(), sd_error.max()) < (error if t + 1 >= least else error / SURE):
                break
    converged = max(mean_error.max(), sd_error.max()) < error and _at_rest(q, means, sds, mean_error, sd_error)
    return Averaged(q, converged, mean_error, sd_error, elbos, log_likelihoods)


def _at_rest(q: Stretched, means: list, sds: list, mean_error: np.ndarray, sd_error: np.ndarray) -> bool:
    """Whether the single steps of the last half agree upon no change of `MOVE` beyond their errors."""
    last, wider = len(means) // 2, 3 * np.sqrt(2)  # half as many steps have an error that is larger by sqrt 2
    moved = np.abs(np.mean(means[last:], 0) - q.mean) / q.sd - wider * mean_error
    widened = np.abs(np.mean(sds[last:], 0) - np.log(q.sd)) - wider * sd_error
    return bool(max(moved.max(), widened.max()) < MOVE)


def _again(density: Density, q: Stretched, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the mean is at rest on fresh draws, and whether a search from far away finds no other."""
    pairs = rng.standard_normal((MEAN_PAIRS, density.dim))
    far = AWAY * rng.standard_normal(density.dim)
    ascents = maximise(OverMeans(density, q, pairs), np.stack([np.zeros(density.dim), far]), LAST_TRIALS)
    near, other = ascents.values
    return bool(ascents.arrived[0]), bool(abs(near - other) < SAME_OPTIMUM)
