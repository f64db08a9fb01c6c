"""Independent Poisson counts."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Branches
from taut.families.factorised import Independent
from taut.families.weak_derivatives import NoBranchNoise


class Poisson(NoBranchNoise, Independent):
    r"""Vectors of counts with independent Poisson coordinates.

    .. math:: q(z) = \prod_j r_j^{z_j} e^{-r_j} / z_j!

    One count more is the weak derivative in the rate: \(dE[f]/dr = E[f(z + 1)] - E[f(z)]\).

    Attributes:
        log_rate: `[D]`, logarithms of the r_j.

    Example:
        >>> Poisson(jnp.zeros(2)).mean.tolist()
        [1.0, 1.0]
    """

    name: ClassVar[str] = "poisson"
    log_rate: Float[Array, " D"]

    @property
    def phrase(self) -> str:
        """A proper noun."""
        return "Poisson"

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.log_rate.shape[-1]

    @property
    def offers(self):
        """Moments and weak derivatives; the entropy is not closed."""
        return frozenset({Capability.MOMENTS, Capability.COVARIANCE, Capability.WEAK_DERIVATIVES})

    @property
    def mean(self) -> Float[Array, " D"]:
        """The rates."""
        return jnp.exp(self.log_rate)

    @property
    def variance(self) -> Float[Array, " D"]:
        """The rates."""
        return jnp.exp(self.log_rate)

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """The counts themselves, drawn at the current rates."""
        return jax.random.poisson(key, jax.lax.stop_gradient(self.mean)).astype(self.log_rate.dtype)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The counts."""
        return noise

    def branches(self, noise: Float[Array, " D"], more: tuple[()]) -> Branches:
        """One for each coordinate: the draw with one count more."""
        return Branches(noise + jnp.eye(self.dim, dtype=noise.dtype), self.mean)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log probability log q(z), in nats."""
        return jnp.sum(z * self.log_rate - self.mean - gammaln(z + 1))
