"""The Gaussian with independent coordinates that is stretched or shrunk along a few directions."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.constants import LOG_2PI
from taut.families.gaussian import Gaussian
from taut.families.low_rank import RANK
from taut.families.start import start


class StretchedGaussian(Gaussian):
    r"""Gaussian whose scaled coordinates have the variance 1 but along R directions.

    .. math:: q(z) = N(z; \mu, S B^2 S), \qquad S = \mathrm{diag}(e^\ell), \quad
        B = I + V (\mathrm{diag}(e^\lambda) - I) V^\top

    V is an orthonormal basis of the span of `directions`. Unlike the low-rank family's, a direction may be narrower
    than the diagonal: data that inform a few hundred combinations of a thousand unknowns shrink these. Draw, density
    and entropy cost O(D R).

    Attributes:
        mean: `[D]`, \(\mu\).
        log_scale: `[D]`, \(\ell\).
        directions: `[D, R]`, one direction a column.
        log_stretch: `[R]`, \(\lambda\).

    Example:
        >>> q = StretchedGaussian(np.zeros(2), np.zeros(2), np.array([[1.0], [0.0]]), np.log([3.0]))
        >>> q.variance.tolist()
        [9.0, 1.0]
    """

    name: ClassVar[str] = "stretched"
    by_name: ClassVar[bool] = True
    mean: Float[Array, " D"]
    log_scale: Float[Array, " D"]
    directions: Float[Array, "D R"]
    log_stretch: Float[Array, " R"]

    @classmethod
    def around(cls, mean, sd=1.0) -> "StretchedGaussian":
        """Start at `mean` (`[D]`) with standard deviation `sd` (a number or `[D]`), along no direction another yet."""
        mean, log_sd = start(mean, sd)
        rank = min(RANK, mean.size)
        directions = np.linalg.qr(np.random.default_rng(0).standard_normal((mean.size, rank)))[0]
        return cls(mean, log_sd, directions, np.zeros(rank))

    @classmethod
    def of(cls, mean, scale, directions, stretch) -> "StretchedGaussian":
        """The member with these numbers, on the host."""
        return cls(mean, np.log(scale), directions, np.log(stretch))

    @property
    def _basis(self) -> Float[Array, "D R"]:
        """V; the sign of a column does not matter."""
        return jnp.linalg.qr(self.directions)[0] if self.directions.shape[1] else self.directions

    def _turned(self, z: Float[Array, " D"], log_stretch: Float[Array, " R"]) -> Float[Array, " D"]:
        V = self._basis
        return z + V @ (jnp.expm1(log_stretch) * (V.T @ z))

    @property
    def variance(self) -> Float[Array, " D"]:
        """Marginal variances."""
        return jnp.exp(2 * self.log_scale) * (1 + self._basis**2 @ jnp.expm1(2 * self.log_stretch))

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix S B^2 S."""
        scale, V = jnp.exp(self.log_scale), self._basis
        inner = jnp.eye(self.dim, dtype=scale.dtype) + (V * jnp.expm1(2 * self.log_stretch)) @ V.T
        return scale[:, None] * inner * scale

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw mean + S B noise."""
        return self.mean + jnp.exp(self.log_scale) * self._turned(noise, self.log_stretch)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        return self._log_density(self._turned((z - self.mean) * jnp.exp(-self.log_scale), -self.log_stretch))

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density, without solving for the noise that is known."""
        return self.sample(noise), self._log_density(noise)

    def _log_density(self, standard):
        return jnp.sum(-0.5 * standard**2 - self.log_scale - 0.5 * LOG_2PI) - jnp.sum(self.log_stretch)

    def entropy(self) -> Float[Array, ""]:
        """Entropy -E_q[log q], in nats."""
        return jnp.sum(self.log_scale + 0.5 * (1 + LOG_2PI)) + jnp.sum(self.log_stretch)

    def predictor_moments(self, X: Float[Array, "R D"]) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        """Mean and variance under q of the linear predictors X z."""
        scaled = X * jnp.exp(self.log_scale)
        along = (scaled @ self._basis) ** 2
        return X @ self.mean, jnp.sum(scaled**2, axis=-1) + along @ jnp.expm1(2 * self.log_stretch)
