"""The Gaussian whose covariance is diagonal plus a few directions: correlations where D^2 numbers are too many."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.arguments import plain
from taut.core.constants import LOG_2PI
from taut.core.triangular import solve_lower, solve_upper
from taut.errors import ArgumentError
from taut.families.gaussian import Gaussian

RANK = 10
"""Default number of directions R."""
FIRST = 0.1
"""Size of the factor at the start: at zero its gradient would be zero too."""


class LowRank(Gaussian):
    r"""Gaussian with a low-rank-plus-diagonal covariance, its scales apart from its directions.

    .. math:: q(z) = N(z; \mu, S (I + F F^\top) S), \qquad S = \mathrm{diag}(e^\ell)

    With C the Cholesky factor of the R x R matrix \(I + F^\top F\), a root of \(I + F F^\top\), its inverse (Woodbury's
    formula) and its determinant are closed, so that a draw and its density cost O(D R^2):

    .. math:: B = I + F (I + C)^{-1} F^\top, \quad B^{-1} = I - F (I + C^\top)^{-1} C^{-1} F^\top, \quad
              \det B = \det C

    since \(X = (I + C)^{-1}\) solves \(X C C^\top X^\top = (I - X)(I - X)^\top\), which is \(B B^\top = I + F F^\top\).

    Attributes:
        mean: `[D]`, \(\mu\).
        log_scale: `[D]`, \(\ell\).
        factor: `[D, R]`, F.

    Example:
        >>> q = LowRank(np.zeros(2), np.zeros(2), np.array([[1.0], [1.0]]))
        >>> q.covariance.tolist()
        [[2.0, 1.0], [1.0, 2.0]]

    Source: D. Ong, D. Nott, M. Smith, Gaussian Variational Approximation with a Factor Covariance Structure, 2018.
    """

    name: ClassVar[str] = "low-rank"
    by_name: ClassVar[bool] = True
    mean: Float[Array, " D"]
    log_scale: Float[Array, " D"]
    factor: Float[Array, "D R"]

    @classmethod
    def around(cls, mean, sd=1.0, rank: int | None = None) -> "LowRank":
        """Start at `mean` (`[D]`) with standard deviation `sd` (a number or `[D]`) and small correlations.

        Args:
            mean: `[D]`.
            sd: a number or `[D]`.
            rank: R, directions; ten by default, and at most D.
        """
        mean = np.asarray(mean, float)
        rank = plain(rank)
        if rank is not None and not (isinstance(rank, int) and 1 <= rank <= mean.size):
            raise ArgumentError(f"rank={rank!r}: a whole number of directions from 1 to {mean.size} is needed.")
        shape = mean.size, rank or min(RANK, mean.size)
        factor = FIRST / np.sqrt(shape[0]) * np.random.default_rng(0).standard_normal(shape)
        return cls(mean, np.log(sd) - 0.5 * np.log1p(np.sum(factor**2, axis=1)), factor)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Marginal variances."""
        return jnp.exp(2 * self.log_scale) * (1 + jnp.sum(self.factor**2, axis=-1))

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix S (I + F F') S."""
        scale = jnp.exp(self.log_scale)
        return scale[:, None] * (jnp.eye(self.dim, dtype=scale.dtype) + self.factor @ self.factor.T) * scale

    @property
    def _small(self) -> Float[Array, "R R"]:
        """C, the Cholesky factor of I + F'F."""
        identity = jnp.eye(self.factor.shape[1], dtype=self.factor.dtype)
        return jnp.linalg.cholesky(identity + self.factor.T @ self.factor, symmetrize_input=False)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw mean + S B noise."""
        return self.sample_and_log_prob(noise)[0]

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        C, scaled = self._small, (z - self.mean) * jnp.exp(-self.log_scale)
        inner = solve_lower(C, self.factor.T @ scaled)
        standard = scaled - self.factor @ solve_upper(_raised(C).T, inner)
        return self._log_density(standard, C)

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density."""
        C = self._small
        unscaled = noise + self.factor @ solve_lower(_raised(C), self.factor.T @ noise)
        return self.mean + jnp.exp(self.log_scale) * unscaled, self._log_density(noise, C)

    def _log_density(self, standard, C):
        return jnp.sum(-0.5 * standard**2 - self.log_scale - 0.5 * LOG_2PI) - jnp.sum(jnp.log(jnp.diagonal(C)))

    def entropy(self) -> Float[Array, ""]:
        """Entropy -E_q[log q], in nats."""
        return jnp.sum(self.log_scale + 0.5 * (1 + LOG_2PI)) + jnp.sum(jnp.log(jnp.diagonal(self._small)))

    def predictor_moments(self, X: Float[Array, "R D"]) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        """Mean and variance under q of the linear predictors X z."""
        scaled = X * jnp.exp(self.log_scale)
        return X @ self.mean, jnp.sum(scaled**2, axis=-1) + jnp.sum((scaled @ self.factor) ** 2, axis=-1)


def _raised(C: Float[Array, "R R"]) -> Float[Array, "R R"]:
    """I + C."""
    return C + jnp.eye(C.shape[0], dtype=C.dtype)
