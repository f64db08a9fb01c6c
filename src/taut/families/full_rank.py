"""The Gaussian with any covariance."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.names import brief
from taut.core.triangular import solve_lower
from taut.errors import ArgumentError
from taut.families.base import Branches
from taut.families.gaussian import Gaussian
from taut.families.start import start
from taut.families.weak_derivatives import MEAN_CONSTANT, rayleigh, standard_branches


class FullRank(Gaussian):
    r"""Gaussian with a full covariance matrix.

    .. math:: q(z) = N(z; \mu, L L^\top), \qquad L = \mathrm{tril}(A, -1) + \mathrm{diag}(e^\ell)

    Attributes:
        mean: `[D]`, \(\mu\).
        log_diagonal: `[D]`, \(\ell\): the logarithm keeps the factor regular without a constraint.
        lower: `[D, D]`, \(A\): only what lies below its diagonal counts.

    Example:
        >>> q = FullRank.around([0.0, 1.0], sd=0.5)
        >>> q.covariance.tolist()
        [[0.25, 0.0], [0.0, 0.25]]
    """

    name: ClassVar[str] = "full-rank"
    by_name: ClassVar[bool] = True
    mean: Float[Array, " D"]
    log_diagonal: Float[Array, " D"]
    lower: Float[Array, "D D"]

    def __check_init__(self):
        shape = np.shape(self.mean)
        if len(shape) < 1 or np.shape(self.log_diagonal) != shape or np.shape(self.lower) != (*shape, shape[-1]):
            raise ArgumentError(
                f"FullRank(mean={brief(self.mean)}, log_diagonal={brief(self.log_diagonal)}, "
                f"lower={brief(self.lower)}): arrays of shapes [D], [D] and [D, D] are needed; FullRank.around(mean, "
                "sd) makes them."
            )

    @classmethod
    def around(cls, mean, sd=1.0) -> "FullRank":
        """Start at `mean` (`[D]`) with standard deviation `sd` (a number or `[D]`) and no correlation."""
        mean, log_sd = start(mean, sd)
        return cls(mean, log_sd, np.zeros((mean.size, mean.size)))

    @classmethod
    def of(cls, mean, factor) -> "FullRank":
        """N(mean, factor factor'), on the host; `factor` (`[D, D]`) is any square root of the covariance."""
        # factor' = Q R, so that factor factor' = R' R and R' is lower triangular; the signs of its diagonal are free.
        R = np.asarray(np.linalg.qr(np.asarray(factor, float).T, mode="r"))
        lower = R.T * np.sign(np.diag(R))
        return cls(np.asarray(mean, float), np.log(np.diag(lower)), np.tril(lower, -1))

    @property
    def offers(self):
        """Also a precision, and weak derivatives."""
        return super().offers | {Capability.PRECISION, Capability.WEAK_DERIVATIVES}

    @property
    def factor(self) -> Float[Array, "D D"]:
        """The lower-triangular L with covariance L L'."""
        return jnp.tril(self.lower, -1) + jnp.diag(jnp.exp(self.log_diagonal))

    def host_factor(self) -> Float[np.ndarray, "D D"]:
        """The same in host memory and in float64."""
        with np.errstate(over="ignore"):  # a fit that has diverged
            diagonal = np.diag(np.exp(np.asarray(self.log_diagonal, float)))
        return np.tril(np.asarray(self.lower, float), -1) + diagonal

    @property
    def variance(self) -> Float[Array, " D"]:
        """Marginal variances."""
        return jnp.sum(self.factor**2, axis=-1)

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix L L'."""
        return self.factor @ self.factor.T

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw mean + L noise."""
        return self.mean + self.factor @ noise

    def branch_noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Rayleigh numbers, one a coordinate."""
        return rayleigh(key, self.mean)

    def branches(self, noise: Float[Array, " D"], more: Float[Array, " D"]) -> Branches:
        r"""Three for each coordinate of the standardised draw.

        Seen from where q is, a nearby member is \(m + M e\) with \(m = L^{-1} \mu\) and \(M = L^{-1} L(\theta)\), lower
        triangular. M's diagonal scales a coordinate; what lies below it shifts coordinate i by
        \(\sum_{j<i} M_{ij} e_j\), whose weak derivative is that of the mean.
        """
        still = jax.lax.stop_gradient(self.factor)
        m = solve_lower(still, self.mean)
        M = solve_lower(still, self.factor)
        shift = MEAN_CONSTANT * (m + jnp.tril(M, -1) @ noise)
        weights = jnp.concatenate([shift, -shift, jnp.diagonal(M)])
        return Branches(self.mean + standard_branches(noise, more) @ still.T, weights)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        standard = solve_lower(self.factor, z - self.mean)
        return jnp.sum(-0.5 * standard**2 - self.log_diagonal - 0.5 * LOG_2PI)

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density, without solving for the noise that is known."""
        return self.sample(noise), jnp.sum(-0.5 * noise**2 - self.log_diagonal - 0.5 * LOG_2PI)

    def entropy(self) -> Float[Array, ""]:
        """Entropy -E_q[log q], in nats."""
        return jnp.sum(self.log_diagonal + 0.5 * (1 + LOG_2PI))

    def predictor_moments(self, X: Float[Array, "R D"]) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        """Mean and variance under q of the linear predictors X z."""
        return X @ self.mean, jnp.sum((X @ self.factor) ** 2, axis=-1)

    def with_precision(self, mean: Float[Array, " D"], precision: Float[Array, "D D"]) -> "FullRank":
        """The member with this mean and precision matrix P."""
        # A lower-triangular L with L L' = P^{-1} is wanted. Reversing rows and columns turns the Cholesky factor of P
        # into an upper-triangular U with U U' = P; then P^{-1} = U^{-T} U^{-1}, and U^{-T} is lower triangular.
        reversed_factor = jnp.linalg.cholesky(precision[::-1, ::-1], symmetrize_input=False)
        factor = solve_lower(reversed_factor, jnp.eye(mean.shape[0], dtype=precision.dtype))[::-1, ::-1].T
        return FullRank(mean, jnp.log(jnp.diagonal(factor)), jnp.tril(factor, -1))

    def whitened_precision(self, change: Float[Array, "D D"]) -> Float[Array, "D D"]:
        """A change of precision in units of q's own: L' change L."""
        return self.factor.T @ change @ self.factor
