r"""Batch and match: a full-rank Gaussian whose score is made to agree with the target's.

Each iteration draws B points of q = N(mu, S), with means zbar, gbar and covariances C, G of draws and scores, and
minimises the average squared difference of the two scores in q's metric, with a KL penalty 1 / lambda that keeps near
the last q. The minimum is closed:

    U = lambda G + lambda / (1 + lambda) gbar gbar',
    V = S + lambda C + lambda / (1 + lambda) (mu - zbar)(mu - zbar)',
    S+ = 2 V (I + (I + 4 U V)^{1/2})^{-1},
    mu+ = mu / (1 + lambda) + lambda / (1 + lambda) (S+ gbar + zbar).

It minimises a Fisher divergence and not KL(q||p), so that its answer on a target that is not Gaussian is another one.

Source: D. Cai, C. Modi, L. Pillaud-Vivien, C. Margossian, R. Gower, D. Blei, L. Saul, Batch and Match: Black-Box
Variational Inference with a Score-Based Divergence, 2024.
"""

from typing import ClassVar

import equinox as eqx
import numpy as np

from taut.algorithms.on_density.base import OnDensity, Solution
from taut.algorithms.on_density.gaussians import Gaussian, matched_draws, score
from taut.algorithms.on_density.quasi_newton import maximise
from taut.algorithms.on_density.starts import modes
from taut.core.arguments import plain
from taut.errors import ArgumentError
from taut.families.full_rank import FullRank


class BatchAndMatch(OnDensity):
    r"""Full-rank score matching by closed updates, from the best mode.

    .. math:: \Sigma_+ = 2 V \big(I + (I + 4 U V)^{1/2}\big)^{-1}, \qquad \lambda_t = B D / (t + 1)

    on matched draws, which make it exact on a Gaussian target in one step.

    Attributes:
        steps: Largest number of updates.
        batch: Number B of draws for each update; None takes 2D, at least 64.
        tolerance: Change of a mean (in sds) and of an sd (as a share) by an update at which the algorithm ends.

    Example:
        >>> BatchAndMatch().tolerance
        0.001

    Source: D. Cai, C. Modi, L. Pillaud-Vivien, C. Margossian, R. Gower, D. Blei, L. Saul, Batch and Match, 2024.
    """

    name: ClassVar[str] = "batch and match"
    steps: int = eqx.field(static=True, default=200, converter=plain)
    batch: int | None = eqx.field(static=True, default=None, converter=plain)
    tolerance: float = eqx.field(static=True, default=1e-3)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ArgumentError(f"steps={self.steps!r}: a positive whole number of updates is needed, e.g. steps=200.")
        if self.batch is not None and (not isinstance(self.batch, int) or self.batch < 2 or self.batch % 2):
            raise ArgumentError(f"batch={self.batch!r}: an even number of draws is needed (they come in pairs).")
        if not self.tolerance > 0:
            raise ArgumentError(f"tolerance={self.tolerance!r}: a positive share of an sd is needed, e.g. 0.001.")

    def run(self, density, problem, seed):
        """Make updates from the best mode until they change nothing any more."""
        rng = np.random.default_rng(seed)
        D, origin = density.dim, self.start_of(problem)
        ascents = maximise(density, np.concatenate([origin[None], origin + rng.uniform(-2, 2, (7, D))]))
        starts = modes(density, ascents, rng)
        if not starts:
            return None
        q, size = starts[0].gaussian, self.batch or max(2 * D, 64)
        elbos, log_likelihoods, moved = [], [], np.inf
        for t in range(self.steps):
            z = matched_draws(rng, size, D)
            x = q.at(z)
            values = density(x)
            if not np.isfinite(values.value).all():
                break
            elbos.append(float(values.value.mean()) + q.entropy)
            log_likelihoods.append(float(values.log_likelihood.mean()))
            new = _updated(q, x, values.gradient, size * D / (t + 1))
            moved = max(np.abs((new.mean - q.mean) / q.sd).max(), np.abs(new.sd / q.sd - 1).max())
            q = new
            if moved < self.tolerance:
                break
        elbo, log_likelihood = np.array(elbos), np.array(log_likelihoods)
        last = score(density, q, matched_draws(rng, size, D))
        return Solution(
            family=FullRank.of(*q),
            history={
                "elbo": elbo,
                "bound": elbo,
                "expected_log_likelihood": log_likelihood,
                "kl": log_likelihood - elbo,
            },
            converged=bool(moved < self.tolerance and np.isfinite(last.elbo)),
            left=float(0.5 * last.residual @ last.residual),
            figures={"moved": float(moved)},
            recurred=len(starts[0].ascents) > 1,
            rivals=[],
            evaluations=density.evaluations,
        )


def _updated(q: Gaussian, x: np.ndarray, g: np.ndarray, weight: float) -> Gaussian:
    """One update from draws `x` and scores `g`; `weight` is lambda."""
    shape, share = (q.mean.size, q.mean.size), weight / (1 + weight)
    middle, slope = x.mean(0), g.mean(0)
    away = q.mean - middle
    U = weight * np.cov(g.T, bias=True).reshape(shape) + share * np.outer(slope, slope)
    V = q.factor @ q.factor.T + weight * np.cov(x.T, bias=True).reshape(shape) + share * np.outer(away, away)
    # V f(U V) = R f(R' U R) R' for V = R R': all functions are of symmetric matrices.
    w, v = np.linalg.eigh(0.5 * (V + V.T))
    root = v * np.sqrt(np.maximum(w, 0.0))
    w, v = np.linalg.eigh(root.T @ U @ root)
    new = root @ v * np.sqrt(2 / (1 + np.sqrt(1 + 4 * np.maximum(w, 0.0))))
    return Gaussian(q.mean / (1 + weight) + share * (new @ (new.T @ slope) + middle), new)
