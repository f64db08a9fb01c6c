"""The mean-field Gaussian: every coordinate independent, as the lab models each weight."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.names import brief
from taut.errors import ArgumentError
from taut.families.base import Branches
from taut.families.factorised import Factorised
from taut.families.gaussian import Gaussian
from taut.families.start import start
from taut.families.weak_derivatives import MEAN_CONSTANT, rayleigh, standard_branches


class MeanField(Gaussian, Factorised):
    r"""Gaussian with independent coordinates.

    .. math:: q(z) = \prod_j N(z_j; \mu_j, \sigma_j^2), \qquad \sigma_j = e^{\ell_j}

    Attributes:
        mean: `[D]`, the \(\mu_j\).
        log_sd: `[D]`, the \(\ell_j\): unconstrained, so that any optimizer's step is valid.

    Example:
        >>> q = MeanField.around([0.0, 1.0], sd=0.5)
        >>> q.variance.tolist()
        [0.25, 0.25]
    """

    name: ClassVar[str] = "mean-field"
    by_name: ClassVar[bool] = True
    mean: Float[Array, " D"]
    log_sd: Float[Array, " D"]

    def __check_init__(self):
        if np.shape(self.mean) != np.shape(self.log_sd) or np.ndim(self.mean) < 1:
            raise ArgumentError(
                f"MeanField(mean={brief(self.mean)}, log_sd={brief(self.log_sd)}): two arrays of the same shape [D] "
                "are needed; MeanField.around(mean, sd) makes them."
            )

    @classmethod
    def around(cls, mean, sd=1.0) -> "MeanField":
        """Start at `mean` (`[D]`) with standard deviation `sd` (a number or `[D]`)."""
        mean, log_sd = start(mean, sd)
        return cls(mean, log_sd)

    @property
    def offers(self):
        """Also independent coordinates, a precision, and weak derivatives."""
        more = {Capability.PRECISION, Capability.FACTORISED, Capability.WEAK_DERIVATIVES}
        return super().offers | more

    @property
    def variance(self) -> Float[Array, " D"]:
        """Marginal variances."""
        return jnp.exp(2 * self.log_sd)

    def host_factor(self) -> Float[np.ndarray, "D D"]:
        """The lower-triangular L with covariance L L', in host memory and in float64."""
        with np.errstate(over="ignore"):  # a fit that has diverged
            return np.diag(np.exp(np.asarray(self.log_sd, float)))

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw mean + sd * noise."""
        return self.mean + jnp.exp(self.log_sd) * noise

    def branch_noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Rayleigh numbers, one a coordinate."""
        return rayleigh(key, self.mean)

    def branches(self, noise: Float[Array, " D"], more: Float[Array, " D"]) -> Branches:
        """Three for each coordinate: two carry the mean, one the log standard deviation."""
        sd = jnp.exp(self.log_sd)
        shift = MEAN_CONSTANT * self.mean / jax.lax.stop_gradient(sd)
        weights = jnp.concatenate([shift, -shift, self.log_sd])
        return Branches(self.mean + sd * standard_branches(noise, more), weights)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        standard = (z - self.mean) * jnp.exp(-self.log_sd)
        return jnp.sum(-0.5 * standard**2 - self.log_sd - 0.5 * LOG_2PI)

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        return self.log_sd + 0.5 * (1 + LOG_2PI)

    def predictor_moments(self, X: Float[Array, "R D"]) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        """Mean and variance under q of the linear predictors X z."""
        return X @ self.mean, X**2 @ self.variance

    def with_precision(self, mean: Float[Array, " D"], precision: Float[Array, "D D"]) -> "MeanField":
        """The member whose natural-gradient optimum has this precision: sigma_j^2 = 1 / P_jj."""
        return MeanField(mean, -0.5 * jnp.log(jnp.diagonal(precision)))

    def whitened_precision(self, change: Float[Array, "D D"]) -> Float[Array, " D"]:
        """A change of precision in units of q's own, over what this family can move: its diagonal."""
        return jnp.diagonal(change) * self.variance
