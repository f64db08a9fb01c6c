r"""Stretched Gaussians of many coordinates in host memory, and what scores say of them at a cost linear in D.

N(mu, S B^2 S) has a diagonal S and B = I + V (diag(nu) - I) V' with orthonormal V: it is stretched by nu along a few
directions. In scaled coordinates u = B z (theta = mu + S u) its precision is B^{-2}. Where log p has the averaged
curvature M there, and its score is S g,

    r = B S g + z,        rho = B^{-1} r = (B^{-2} - M) u + (a constant),

vanish where q is the target, whatever the draws. The odd part of rho in antithetic pairs tells M and the even part of r
the gradient of the mean. The ELBO is stationary in S and along V where

    E[rho_i u_i] = 0,        E[rho (V'u)'] = 0:

a regression of each rho_i on u_i and V'u, whose slopes are what diagonal and low-rank part of the precision are off by.

Source: G. Roeder, Y. Wu, D. Duvenaud, Sticking the Landing, 2017 (the score without the noise of q's own).
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import NARROWEST, WIDEST
from taut.core.constants import LOG_2PI
from taut.families.stretched import StretchedGaussian
from taut.models.density import Density

LEAST_GAIN = 0.005
"""Nats that a direction must bring: it changes no sd by more than 7 %."""
ABOVE_MEDIAN = 2.0
"""Factor above the median strength from which what the residuals have in common is a direction and no noise."""
ROUNDS = 4
"""Number of turns between the diagonal and the directions, on one batch."""


class Stretched(NamedTuple):
    """N(mean, S B^2 S).

    Attributes:
        mean: `[D]`, the mean.
        scale: `[D]`, the diagonal of S.
        directions: `[D, R]`, V, orthonormal.
        stretch: `[R]`, nu.
    """

    mean: Float[np.ndarray, " D"]
    scale: Float[np.ndarray, " D"]
    directions: Float[np.ndarray, "D R"]
    stretch: Float[np.ndarray, " R"]

    @classmethod
    def of(cls, family: StretchedGaussian) -> "Stretched":
        """A family's member in host memory."""
        V = np.asarray(family.directions, float)
        basis = np.linalg.qr(V)[0] if V.shape[1] else V
        scale, stretch = (np.exp(np.asarray(x, float)) for x in (family.log_scale, family.log_stretch))
        return cls(np.asarray(family.mean, float), scale, basis, stretch)

    @property
    def sd(self) -> Float[np.ndarray, " D"]:
        """Marginal standard deviations."""
        return self.scale * np.sqrt(1 + self.directions**2 @ (self.stretch**2 - 1))

    @property
    def entropy(self) -> float:
        """Entropy, in nats."""
        return float(np.sum(np.log(self.scale)) + np.sum(np.log(self.stretch)) + 0.5 * self.mean.size * (1 + LOG_2PI))

    def turned(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """B z."""
        return z + (z @ self.directions * (self.stretch - 1)) @ self.directions.T

    def back(self, u: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """B^{-1} u."""
        return u + (u @ self.directions * (1 / self.stretch - 1)) @ self.directions.T

    def at(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """The draws that standard normal `z` give."""
        return self.mean + self.scale * self.turned(z)

    def log_prob(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, " S"]:
        """Log density at the draws that standard normal `z` give, in nats."""
        return -0.5 * np.sum(z**2, axis=1) + 0.5 * self.mean.size - self.entropy


def paired_draws(rng: np.random.Generator, size: int, dim: int) -> Float[np.ndarray, "S D"]:
    """`size` antithetic standard normal draws, the mean square of each coordinate one: whitening would cost D^3."""
    half = rng.standard_normal((size // 2, dim))
    half /= np.sqrt(np.mean(half**2, axis=0))
    return np.concatenate([half, -half])


@dataclasses.dataclass(frozen=True)
class Residuals:
    """What antithetic pairs of draws, from z and -z, say of a stretched Gaussian.

    Attributes:
        elbo: The ELBO, in nats; -inf if a draw fell outside the support.
        error: Its standard error, in nats.
        log_likelihood: Average log-likelihood of the draws, in nats.
        z: `[N, D]`, one of each pair.
        gradient: `[D]`, the average of B S g.
        odd: `[N, D]`, r above without its constant.
    """

    elbo: float
    error: float
    log_likelihood: float
    z: Float[np.ndarray, "N D"]
    gradient: Float[np.ndarray, " D"]
    odd: Float[np.ndarray, "N D"]

    @property
    def promise(self) -> float:
        """Nats that a full step promises to first order: half the squared gradient, a quarter of the squared A."""
        return float(0.5 * np.sum(self.gradient**2) + 0.25 * np.sum(self.odd**2) / len(self.odd))


def residuals(density: Density, q: Stretched, z: Float[np.ndarray, "N D"]) -> Residuals:
    """The ELBO of `q` and its residuals, from the draws that `z` and `-z` give."""
    away = q.scale * q.turned(z)
    values = density(np.concatenate([q.mean + away, q.mean - away]))
    one, other = np.split(values.gradient * q.scale, 2)
    # log p - log q by pairs: without the noise of q's own density
    gaps = np.mean(np.split(values.value, 2), axis=0) + 0.5 * np.sum(z**2, 1) - 0.5 * z.shape[1] + q.entropy
    with np.errstate(invalid="ignore"):
        return Residuals(
            float(np.mean(gaps)),
            float(np.std(gaps) / np.sqrt(len(gaps))),
            float(np.mean(values.log_likelihood)),
            z,
            q.turned(0.5 * (one + other).mean(0)[None])[0],
            q.turned(0.5 * (one - other)) + z,
        )


def refitted(
    q: Stretched, seen: Residuals, rho: float, most: int = 0, also: Float[np.ndarray, "D K"] | None = None
) -> Stretched:
    """q with the share `rho` of what the residuals say that its precision is off by.

    Args:
        q: The Gaussian.
        seen: Its residuals.
        rho: Length of the step, between 0 and 1.
        most: Largest number of new directions, with which slopes are shrunk by their standard errors; 0 keeps the
            directions that there are and refits their stretches.
        also: Directions that may be new besides.
    """
    sure, V, u, rho_u = most > 0, q.directions, q.turned(seen.z), q.back(seen.odd)
    # New directions are found on one half and measured on the other: what one batch has by chance is no direction.
    half = len(u) // 2 if most else 0
    delta, Q = np.zeros(len(q.scale)), V
    if most:
        first = V if also is None else np.concatenate([V, _across(also, V)], 1)
        delta = _diagonal(u[:half], rho_u[:half], first, sure)
        for _ in range(ROUNDS):
            Q = np.concatenate([first, _proposed(u[:half], rho_u[:half] - delta * u[:half], first, most)], 1)
            delta = _diagonal(u[:half], _cleaned(u[:half], rho_u[:half], delta, Q), Q, sure)
        u, rho_u = u[half:], rho_u[half:]
    for _ in range(ROUNDS if Q.shape[1] else 1):
        clean = _cleaned(u, rho_u, delta, Q)
        if most:
            delta = _diagonal(u, clean, Q, sure)
        else:  # what is coupled to the directions is not taken here, and so is no excuse for the diagonal
            inside = _coupled(u, rho_u - delta * u, Q, wide=False)[0]
            delta = _diagonal(u, clean - (u @ Q @ inside) @ Q.T, Q[:, :0], sure)
    if not Q.shape[1]:
        return q._replace(scale=q.scale / np.sqrt(1 - rho * delta))
    low_rank, basis = _coupled(u, rho_u - delta * u, Q, wide=most > 0)
    K = -rho * low_rank
    K[: V.shape[1], : V.shape[1]] += np.diag(q.stretch**-2.0 - 1)
    return _from_precision(q, rho * delta, K, basis)


def pruned(q: Stretched, most: int) -> Stretched:
    """q with at most `most` of its directions: those that bring more than `LEAST_GAIN`, the best first."""
    gain = 0.5 * (q.stretch**-2.0 - 1 + 2 * np.log(q.stretch))
    best = np.argsort(-gain)[:most]
    kept = best[gain[best] > LEAST_GAIN]
    return q._replace(directions=q.directions[:, kept], stretch=q.stretch[kept])


def _diagonal(u: np.ndarray, rho: np.ndarray, Q: np.ndarray, sure: bool) -> Float[np.ndarray, " D"]:
    """The slope of each column of `rho` on the same column of `u`, beside the columns of u Q."""
    if Q.shape[1]:
        basis = np.linalg.qr(u @ Q)[0]
        u, rho = u - basis @ (basis.T @ u), rho - basis @ (basis.T @ rho)
    squares = np.sum(u * u, 0)
    slope = np.sum(u * rho, 0) / squares
    if sure:
        rest = np.maximum(np.sum(rho * rho, 0) - slope**2 * squares, 0)
        error = np.sqrt(rest / squares / max(len(u) - Q.shape[1] - 1, 1))
        slope = slope * np.maximum(0.0, 1 - (error / np.where(slope == 0, 1.0, slope)) ** 2)  # James and Stein
    return np.clip(slope, 1 - WIDEST, 1 - NARROWEST)


def _cleaned(u: np.ndarray, rho: np.ndarray, delta: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """The residuals without what lies along Q and is explained by nothing.

    The curvature is symmetric: what residuals along Q owe to coordinates across Q is noise, and zero on average.
    """
    if not Q.shape[1]:
        return rho
    inside, basis = (rho - delta * u) @ Q, np.linalg.qr(u @ Q)[0]
    return rho - (inside - basis @ (basis.T @ inside)) @ Q.T


def _proposed(u: np.ndarray, rho: np.ndarray, V: np.ndarray, most: int) -> Float[np.ndarray, "D K"]:
    """At most `most` orthonormal directions across V that the residuals have in common."""
    if V.shape[1]:
        basis = np.linalg.qr(u @ V)[0]
        rho = rho - basis @ (basis.T @ rho)
        rho = rho - (rho @ V) @ V.T
    w, v = np.linalg.eigh(rho @ rho.T / len(rho))
    w, v = w[::-1], v[:, ::-1]
    kept = np.flatnonzero((w > 2 * LEAST_GAIN) & (w > ABOVE_MEDIAN * np.median(w)))[:most]
    return _across(rho.T @ v[:, kept] / np.sqrt(len(rho) * w[kept]), V)


def _across(Q: np.ndarray, V: np.ndarray) -> Float[np.ndarray, "D K"]:
    """An orthonormal basis of what of `Q` is orthogonal to `V`."""
    for _ in range(2):  # once more for what rounding leaves
        Q = np.linalg.qr(Q - V @ (V.T @ Q))[0]
    return Q


def _coupled(u: np.ndarray, rest: np.ndarray, Q: np.ndarray, wide: bool) -> tuple[np.ndarray, np.ndarray]:
    """The low-rank part of the slope of the residuals, in a basis of Q and of what it is coupled to; and the basis.

    A symmetric matrix with the action C on Q is Q C + C'Q' - Q C Q Q'. Of what C has across Q the share that its
    standard errors leave is taken.
    """
    Z = u @ Q
    inverse = np.linalg.pinv(Z.T @ Z)
    C = inverse @ (Z.T @ rest)
    inside, out = C @ Q, C - C @ Q @ Q.T
    inside = 0.5 * (inside + inside.T)
    if not wide:
        return inside, Q
    left = rest - Z @ C
    left = left - (left @ Q) @ Q.T
    noise = np.sum(left**2) / max(len(u) - Q.shape[1], 1) * np.diag(inverse)
    out *= np.maximum(0.0, 1 - noise / np.maximum(np.sum(out**2, 1), 1e-300))[:, None]
    P, T = np.linalg.qr(out.T)
    return np.block([[inside, T.T], [T, np.zeros_like(T)]]), np.concatenate([Q, P], 1)


def _from_precision(q: Stretched, delta: np.ndarray, K: np.ndarray, basis: np.ndarray) -> Stretched:
    """The Gaussian with the precision diag(1 - delta) + basis K basis' in the scaled coordinates of q.

    No direction's precision changes by more than tenfold: one batch says nothing about the density farther away.
    """
    root = np.sqrt(1 - delta)
    W, T = np.linalg.qr(basis / root[:, None])
    w, v = np.linalg.eigh(np.eye(len(T)) + T @ K @ T.T)
    directions = W @ v
    before = np.sum(q.back((directions / root[:, None]).T) ** 2, 1)
    w = np.clip(w, NARROWEST * before, WIDEST * before)
    return Stretched(q.mean, q.scale / root, directions, 1 / np.sqrt(w))
