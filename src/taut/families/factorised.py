"""What families of independent coordinates share."""

import abc

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Branches, Distribution


class Independent(Distribution):
    """A distribution with independent coordinates."""

    @property
    @abc.abstractmethod
    def variance(self) -> Float[Array, " D"]:
        """Variance of each coordinate."""

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix: diagonal."""
        return jnp.diag(self.variance)


class Factorised(Independent):
    """A distribution with independent coordinates whose entropies are closed."""

    @property
    def offers(self):
        """Closed moments, and the closed entropy of each coordinate."""
        return frozenset({Capability.MOMENTS, Capability.COVARIANCE, Capability.CLOSED_ENTROPY, Capability.FACTORISED})

    @abc.abstractmethod
    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""

    def entropy(self) -> Float[Array, ""]:
        """Entropy, in nats."""
        return jnp.sum(self.entropies())


class RateFamily(Factorised):
    r"""A positive family whose only learned parameter is the rate of an exponential time within it.

    With \(z^s\) a Gamma variable of shape a and rate r (s and a fixed), more time is the weak derivative in the rate:

    .. math:: \frac{d}{d \log r} E[f] = a\, (E_{\Gamma(a, r)}[f] - E_{\Gamma(a + 1, r)}[f]),
              \qquad \Gamma(a + 1, r) = \Gamma(a, r) + \mathrm{Exp}(r)

    where the two parts share a draw. Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient
    Estimation in Machine Learning, 2020 (table 1).
    """

    log_rate: Float[Array, " D"]

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.log_rate.shape[-1]

    @property
    def offers(self):
        """Also differentiable draws and weak derivatives."""
        return super().offers | {Capability.REPARAMETRISED, Capability.WEAK_DERIVATIVES}

    @property
    def _time_shape(self) -> float:
        """The fixed shape a."""
        return 1.0

    def _of_time(self, time: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw of a Gamma time at rate 1 over the rate."""
        return time

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Gamma numbers of the fixed shape and rate 1, one a coordinate."""
        return jax.random.gamma(key, self._time_shape, self.log_rate.shape, self.log_rate.dtype)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw of the time noise / rate."""
        return self._of_time(noise * jnp.exp(-self.log_rate))

    def branch_noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Exponential numbers, one a coordinate."""
        return jax.random.exponential(key, self.log_rate.shape, self.log_rate.dtype)

    def branches(self, noise: Float[Array, " D"], more: Float[Array, " D"]) -> Branches:
        """One for each coordinate: the draw with more time."""
        longer = jnp.where(jnp.eye(self.dim, dtype=bool), noise + more, noise)
        return Branches(jax.vmap(self.sample)(longer), -self._time_shape * self.log_rate)
