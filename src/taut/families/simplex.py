"""Families over shares: Beta on the unit interval, Dirichlet on the simplex."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Distribution
from taut.families.factorised import Factorised
from taut.families.implicit_gamma import log_gamma_noise, moving


def _log_beta(a, b):
    # Not jax.scipy.special.betaln, whose derivative is right to five digits only.
    return gammaln(a) + gammaln(b) - gammaln(a + b)


class Beta(Factorised):
    r"""Vectors in the unit cube with independent Beta coordinates.

    .. math:: q(z) = \prod_j z_j^{a_j - 1} (1 - z_j)^{b_j - 1} / B(a_j, b_j)

    A draw is g / (g + h) with Gamma draws g and h of shapes a and b, each differentiable by implicit reparametrisation.
    Its model takes z as they are drawn (`real` supports: no second change of variables).

    Attributes:
        log_a: `[D]`, logarithms of the a_j.
        log_b: `[D]`, logarithms of the b_j.

    Example:
        >>> Beta(jnp.zeros(1), jnp.zeros(1)).mean.tolist()
        [0.5]

    Source: M. Figurnov, S. Mohamed, A. Mnih, Implicit Reparameterization Gradients, 2018.
    """

    name: ClassVar[str] = "beta"
    log_a: Float[Array, " D"]
    log_b: Float[Array, " D"]

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.log_a.shape[-1]

    @property
    def offers(self):
        """Moments, entropy and differentiable draws."""
        return super().offers | {Capability.REPARAMETRISED}

    @property
    def _concentrations(self) -> Float[Array, "2 D"]:
        return jnp.exp(jnp.stack([self.log_a, self.log_b]))

    @property
    def mean(self) -> Float[Array, " D"]:
        """a / (a + b)."""
        return jax.nn.sigmoid(self.log_a - self.log_b)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Mean times (1 - mean) / (a + b + 1)."""
        return self.mean * (1 - self.mean) / (jnp.sum(self._concentrations, axis=0) + 1)

    def noise(self, key: PRNGKeyArray) -> Float[Array, "2 D"]:
        """Logarithms of Gamma draws of shapes a and b."""
        return log_gamma_noise(key, self._concentrations)

    def sample(self, noise: Float[Array, "2 D"]) -> Float[Array, " D"]:
        """The draw, differentiable in a and b."""
        log_g, log_h = moving(self._concentrations, noise)
        return jax.nn.sigmoid(log_g - log_h)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        a, b = self._concentrations
        return jnp.sum((a - 1) * jnp.log(z) + (b - 1) * jnp.log1p(-z) - _log_beta(a, b))

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        a, b = self._concentrations
        return _log_beta(a, b) - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)


class Dirichlet(Distribution):
    r"""Vectors of positive shares that sum to 1.

    .. math:: q(z) = \frac{\Gamma(\sum_j a_j)}{\prod_j \Gamma(a_j)} \prod_j z_j^{a_j - 1}

    The density is over the first D - 1 shares, as is usual; z has all D of them. Draws are Gamma draws divided by their
    sum, differentiable by implicit reparametrisation.

    Attributes:
        log_concentration: `[D]`, logarithms of the a_j.

    Example:
        >>> Dirichlet(jnp.zeros(4)).mean.tolist()
        [0.25, 0.25, 0.25, 0.25]

    Source: M. Figurnov, S. Mohamed, A. Mnih, Implicit Reparameterization Gradients, 2018.
    """

    name: ClassVar[str] = "dirichlet"
    log_concentration: Float[Array, " D"]

    @property
    def phrase(self) -> str:
        """A proper noun."""
        return "Dirichlet"

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.log_concentration.shape[-1]

    @property
    def offers(self):
        """Moments, entropy and differentiable draws; the shares depend on each other."""
        return frozenset(
            {Capability.MOMENTS, Capability.COVARIANCE, Capability.CLOSED_ENTROPY, Capability.REPARAMETRISED}
        )

    @property
    def concentration(self) -> Float[Array, " D"]:
        """The a_j."""
        return jnp.exp(self.log_concentration)

    @property
    def mean(self) -> Float[Array, " D"]:
        """a over its sum."""
        return jax.nn.softmax(self.log_concentration)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Mean times (1 - mean), over the sum plus 1."""
        return self.mean * (1 - self.mean) / (jnp.sum(self.concentration) + 1)

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix of the shares; its rows sum to zero."""
        spread = jnp.diag(self.mean) - jnp.outer(self.mean, self.mean)
        return spread / (jnp.sum(self.concentration) + 1)

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Logarithms of Gamma draws."""
        return log_gamma_noise(key, self.concentration)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw, differentiable in the concentrations."""
        return jax.nn.softmax(moving(self.concentration, noise))

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        a = self.concentration
        return gammaln(jnp.sum(a)) + jnp.sum((a - 1) * jnp.log(z) - gammaln(a))

    def entropy(self) -> Float[Array, ""]:
        """Entropy, in nats."""
        a = self.concentration
        total = jnp.sum(a)
        normaliser = jnp.sum(gammaln(a)) - gammaln(total)
        return normaliser + (total - a.size) * digamma(total) - jnp.sum((a - 1) * digamma(a))
