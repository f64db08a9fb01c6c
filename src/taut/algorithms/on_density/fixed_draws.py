r"""Deterministic ADVI: the ELBO on a fixed set of draws, maximised like any smooth function.

With draws e_1..e_S held fixed the ELBO of a mean field is a function of (mu, l = log sigma),

    E(mu, l) = 1/S sum_s log p(mu + e^l * e_s) + sum_j l_j + const,

with gradients mean(g_s) and mean(g_s * e^l * e_s) + 1: L-BFGS needs no learning rate and its end has a certificate.
Matched draws make it exact on a Gaussian target with independent coordinates.

*Linear response.* The means of a mean field react to a perturbation t of log p by d mu / dt, and these reactions are
the covariances that the mean field itself leaves out:

    Cov(z) = d mu / dt' = (H^{-1})_{mu mu},        H = -hess E(mu, l).

Sources: R. Giordano, M. Ingram, T. Broderick, Black Box Variational Inference with a Deterministic Objective, 2024;
R. Giordano, T. Broderick, M. Jordan, Covariances, Robustness, and Variational Bayes, 2018.
"""

from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.base import OnDensity, Solution
from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.quasi_newton import TOLERANCE, maximise
from taut.algorithms.on_density.starts import DRAWS, modes
from taut.core.arguments import plain
from taut.core.constants import LOG_2PI
from taut.errors import ArgumentError, PairingError
from taut.families.full_rank import FullRank
from taut.families.mean_field import MeanField
from taut.models.density import Density, DensityValues

STARTS = 4
"""Number of starts."""
MOST_RESPONSES = 500
"""Largest number of coordinates for which linear response is affordable: it costs 4 D batches of draws."""
MOST_CURVATURE = 100_000
"""Largest number of numbers in a batch of draws for which the curvature at a mode is affordable."""
SAME_OPTIMUM = 0.3
"""Nats within which two starts have found the same ELBO."""


class FixedDraws(OnDensity):
    r"""Deterministic ADVI of a mean field: L-BFGS on the ELBO of a fixed set of draws, from four starts.

    .. math:: \hat E(\mu, \ell) = \frac1S \sum_s \log p(\mu + e^{\ell} \odot \epsilon_s) + \sum_j \ell_j + \text{const}

    Attributes:
        steps: Largest number of trials of L-BFGS.
        draws: Number S of draws; too few fit the draws rather than the posterior where it is correlated.
        linear_response: Whether the answer has the covariance of linear response: a full-rank Gaussian around the same
            means.

    Example:
        >>> FixedDraws().draws
        128

    Source: R. Giordano, M. Ingram, T. Broderick, Black Box Variational Inference with a Deterministic Objective, 2024.
    """

    name: ClassVar[str] = "fixed draws"
    fits = MeanField
    steps: int = eqx.field(static=True, default=1000, converter=plain)
    draws: int = eqx.field(static=True, default=128, converter=plain)
    linear_response: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ArgumentError(f"steps={self.steps!r}: a positive whole number of trials is needed, e.g. steps=1000.")
        if not isinstance(self.draws, int) or self.draws < 2 or self.draws % 2:
            raise ArgumentError(f"draws={self.draws!r}: an even number is needed (they come in pairs), e.g. draws=128.")

    def check(self, problem):
        """As every algorithm, and a mean field."""
        super().check(problem)
        if self.linear_response and problem.family.dim > MOST_RESPONSES:
            raise PairingError(
                f"Linear response costs four batches of draws for each coordinate: {problem.family.dim} are too many "
                f"(at most {MOST_RESPONSES}); use FixedDraws(linear_response=False)."
            )

    def run(self, density, problem, seed):
        """Start at the modes, maximise on the fixed draws, and keep the best end."""
        rng = np.random.default_rng(seed)
        D, origin = density.dim, self.start_of(problem)
        ascents = maximise(density, np.concatenate([origin[None], origin + rng.uniform(-2, 2, (STARTS - 1, D))]))
        if D * DRAWS <= MOST_CURVATURE:
            starts = [(c.gaussian.mean, np.log(c.gaussian.sd)) for c in modes(density, ascents, rng)[:STARTS]]
        else:  # a Hessian is too expensive: the mode, narrow
            starts = [(ascents.ends[np.argmax(ascents.values)], np.full(D, -2.0))]
        if not starts:
            return None
        bound = FixedBound(density, matched_draws(rng, self.draws, D), *starts[0])
        found = maximise(bound, np.array([bound.in_frame(*pair) for pair in starts]), self.steps)
        best = int(np.argmax(found.values))
        if not np.isfinite(found.values[best]):
            return None
        mean, log_sd = bound.placed(found.ends[best][None])
        response = FullRank.of(*bound.response(found.ends[best])) if self.linear_response else None
        elbo = np.array([float(bound(point[None]).value[0]) for point in found.paths[best][-20:]])
        zeros = np.zeros_like(elbo)
        return Solution(
            family=response or MeanField(mean[0], log_sd[0]),
            history={"elbo": elbo, "bound": elbo, "expected_log_likelihood": elbo, "kl": zeros},
            converged=bool(found.arrived[best]),
            # L-BFGS has stopped, which is no proof: a mean field is checked by a full natural-gradient step. The
            # covariance of linear response is no optimum of the ELBO and could not pass that check.
            left=TOLERANCE if self.linear_response else float("nan"),
            figures={"draws": float(self.draws), "starts": float(len(starts))},
            recurred=len(starts) == 1 or bool(np.sum(found.values > found.values[best] - SAME_OPTIMUM) > 1),
            rivals=[],
            evaluations=density.evaluations,
        )


class FixedBound:
    """The ELBO of a mean field on fixed draws, as a density over (u, v): mu = m + s * u and log sigma = log s + v.

    The frame (m, log s) gives both halves the same size, whatever the units of the unknowns.

    Args:
        density: log p.
        z: The draws, `[S, D]`.
        mean, log_sd: The frame, `[D]` each.
    """

    def __init__(
        self,
        density: Density,
        z: Float[np.ndarray, "S D"],
        mean: Float[np.ndarray, " D"],
        log_sd: Float[np.ndarray, " D"],
    ):
        self.density, self.z, self.dim = density, z, 2 * density.dim
        self.mean, self.log_sd = mean, log_sd

    def in_frame(self, mean: Float[np.ndarray, " D"], log_sd: Float[np.ndarray, " D"]) -> np.ndarray:
        """(u, v) of a mean field."""
        return np.concatenate([(mean - self.mean) / np.exp(self.log_sd), log_sd - self.log_sd])

    def placed(self, points: Float[np.ndarray, "B 2D"]) -> tuple[np.ndarray, np.ndarray]:
        """Means and log sds of (u, v), `[B, D]` each."""
        u, v = np.split(points, 2, axis=1)
        return self.mean + np.exp(self.log_sd) * u, self.log_sd + np.clip(v, -50, 50)

    def __call__(self, points: Float[np.ndarray, "B 2D"]) -> DensityValues:
        """The ELBO and its gradient at each (u, v)."""
        B, S, D = len(points), *self.z.shape
        mean, log_sd = self.placed(points)
        away = np.exp(log_sd)[:, None] * self.z
        values = self.density((mean[:, None] + away).reshape(B * S, D))
        g = values.gradient.reshape(B, S, D)
        value = values.value.reshape(B, S).mean(1) + log_sd.sum(1) + 0.5 * D * (1 + LOG_2PI)
        gradient = np.concatenate([g.mean(1) * np.exp(self.log_sd), (g * away).mean(1) + 1], axis=1)
        finite = np.isfinite(value)
        return DensityValues(
            value, np.where(finite[:, None], gradient, 0.0), values.log_likelihood.reshape(B, S).mean(1)
        )

    def response(self, point: Float[np.ndarray, " 2D"]) -> Gaussian:
        """The Gaussian with the covariance of linear response, by central differences of the gradient."""
        D, (mean, log_sd) = self.density.dim, self.placed(point[None])
        steps = 1e-3 * np.concatenate([np.exp(log_sd[0] - self.log_sd), np.ones(self.density.dim)])
        H = np.stack(
            [
                (self((point - step)[None]).gradient[0] - self((point + step)[None]).gradient[0]) / (2 * steps[i])
                for i, step in enumerate(np.diag(steps))
            ]
        )
        covariance = np.linalg.inv(0.5 * (H + H.T))[:D, :D]
        w, v = np.linalg.eigh(0.5 * (covariance + covariance.T))
        root = v * np.sqrt(np.maximum(w, 1e-12 * w.max()))
        return Gaussian(mean[0], np.exp(self.log_sd)[:, None] * root)
