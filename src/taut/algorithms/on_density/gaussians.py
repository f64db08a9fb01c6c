r"""Gaussians in host memory, matched draws, and score regression: what a batch of scores says of a Gaussian.

*Matched draws.* Antithetic standard normal draws z and -z, whitened so that their second moment is exactly the
identity, make every estimate below exact on a Gaussian target; that needs at least 2D of them.

*Score regression.* With theta = mu + L z and g = grad log p(theta), Stein's identity gives the curvature of -log p
averaged over q, in the coordinates z, from gradients alone:

    H = L' E_q[-hess log p] L = -E[(L' g) z'],         gbar = E[L' g].

The natural-gradient step of length rho takes the precision (the identity in these coordinates) to
(1 - rho) I + rho H and the mean to mu + rho L ((1 - rho) I + rho H)^{-1} gbar.

Sources: M. Opper and C. Archambeau, The Variational Gaussian Approximation Revisited, 2009; M. Khan and H. Rue, The
Bayesian Learning Rule, 2023 (variational online Newton).
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taut.core.constants import LOG_2PI
from taut.models.density import Density

EVEN = 16
"""Largest number of coordinates whose draws are spread evenly."""
NARROWEST, WIDEST = 0.1, 10.0
"""Smallest and largest factor on a precision in one step."""


class Gaussian(NamedTuple):
    """N(mean, factor factor').

    Attributes:
        mean: `[D]`, the mean.
        factor: `[D, D]`, any square root of the covariance.
    """

    mean: Float[np.ndarray, " D"]
    factor: Float[np.ndarray, "D D"]

    @property
    def sd(self) -> Float[np.ndarray, " D"]:
        """Marginal standard deviations."""
        return np.sqrt(np.sum(self.factor**2, axis=1))

    @property
    def entropy(self) -> float:
        """Entropy, in nats."""
        return float(np.linalg.slogdet(self.factor)[1] + 0.5 * self.mean.size * (1 + LOG_2PI))

    def at(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """The draws that standard normal `z` give."""
        return self.mean + z @ self.factor.T

    def log_prob(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, " S"]:
        """Log density at the draws that standard normal `z` give, in nats."""
        return -0.5 * np.sum(z**2, axis=1) + 0.5 * self.mean.size - self.entropy


def matched_draws(rng: np.random.Generator, size: int, dim: int) -> Float[np.ndarray, "S D"]:
    """`size` antithetic standard normal draws, whitened where there are at least 2D of them."""
    return _matched(rng.standard_normal((size // 2, dim)))


def even_draws(rng: np.random.Generator, size: int, dim: int) -> Float[np.ndarray, "S D"]:
    """Matched draws that fill the space evenly where it has few dimensions, so that averages over them differ less.

    They are a scrambled Sobol sequence: each scrambling is an independent estimate, as a batch of random draws is.
    """
    if dim > EVEN:
        return matched_draws(rng, size, dim)
    from scipy.special import ndtri
    from scipy.stats.qmc import Sobol  # half a second to load

    half = size // 2
    points = Sobol(dim, rng=rng).random_base2((half - 1).bit_length())[:half]
    tiny = np.finfo(float).eps
    return _matched(ndtri(np.clip(points, tiny, 1 - tiny)))


def _matched(half: Float[np.ndarray, "H D"]) -> Float[np.ndarray, "S D"]:
    """Draws with their mirror images, whitened where there are at least 2D of them."""
    z = np.concatenate([half, -half])
    if len(z) < 2 * half.shape[1]:
        return z
    # With z'z / S = R'R the rows z R^{-1} have second moment I; a Cholesky factor costs a tenth of an eigenbasis.
    return z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / len(z))).T


@dataclasses.dataclass(frozen=True)
class Scored:
    """What a batch of matched draws says of a Gaussian.

    Attributes:
        elbo: The ELBO, in nats; -inf if a draw fell outside the support.
        log_likelihood: Average log-likelihood of the draws, in nats.
        gradient: `[D]`, gbar above.
        curvature: `[D, D]`, H above.
        values: `[S]`, log p at the draws.
    """

    elbo: float
    log_likelihood: float
    gradient: Float[np.ndarray, " D"]
    curvature: Float[np.ndarray, "D D"]
    values: Float[np.ndarray, " S"]

    @functools.cached_property
    def spectrum(self) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D D"]]:
        """Eigenvalues and eigenvectors of H, found once for steps of all lengths: D^3 is most of a step above 300."""
        return np.linalg.eigh(self.curvature)

    @property
    def residual(self) -> Float[np.ndarray, " N"]:
        """(gbar, (H - I) / sqrt 2) as one vector, zero at the fixed point.

        Half its squared length is the Newton decrement to first order, the nats that a step promises.
        """
        return np.concatenate([self.gradient, (self.curvature - np.eye(self.gradient.size)).ravel() / np.sqrt(2)])


def score(density: Density, q: Gaussian, z: Float[np.ndarray, "S D"]) -> Scored:
    """The ELBO of `q` and its natural gradient, from the draws `z`."""
    values = density(q.at(z))
    white = values.gradient @ q.factor
    product = white.T @ z / len(z)
    with np.errstate(invalid="ignore"):
        elbo = float(np.mean(values.value)) + q.entropy
    return Scored(
        elbo, float(np.mean(values.log_likelihood)), white.mean(0), -0.5 * (product + product.T), values.value
    )


def stepped(q: Gaussian, scored: Scored, rho: float) -> tuple[Gaussian, float]:
    """The natural-gradient step of length `rho`, and the symmetric KL divergence that it covers, in nats.

    No precision changes by more than tenfold and no mean by more than 2 sqrt(D) sd: one batch of draws says nothing
    about the density farther away.
    """
    w, v = scored.spectrum
    w = np.clip(1 - rho + rho * w, NARROWEST, WIDEST)
    move = rho * (v @ ((v.T @ scored.gradient) / w))
    longest, length = 2 * np.sqrt(q.mean.size), np.linalg.norm(move)
    move *= min(1.0, longest / length) if length > 0 else 1.0
    # v w^{-1/2} v' is the symmetric root, so that draws turn as little as possible from step to step.
    new = Gaussian(q.mean + q.factor @ move, q.factor @ (v / np.sqrt(w)) @ v.T)
    covered = 0.5 * (np.sum(w + 1 / w - 2) + move @ move + np.sum(w * (v.T @ move) ** 2))
    return new, float(covered)


def divergence(a: Gaussian, b: Gaussian) -> float:
    """Symmetric KL divergence of two Gaussians, KL(a||b) + KL(b||a), in nats.

    Example:
        >>> divergence(Gaussian(np.zeros(2), np.eye(2)), Gaussian(np.array([1.0, 0.0]), np.eye(2)))
        1.0
    """
    # With A^{-1} B = M both traces are squared norms of M and its inverse.
    M = np.linalg.solve(a.factor, b.factor)
    away = a.mean - b.mean
    means = (np.sum(np.linalg.solve(q.factor, away) ** 2) for q in (a, b))
    return float(0.5 * (np.sum(M**2) + np.sum(np.linalg.inv(M) ** 2) - 2 * away.size + sum(means)))
