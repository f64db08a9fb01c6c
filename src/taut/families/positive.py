"""Families over positive numbers: Gamma, and Gamma and Weibull of fixed shape."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, gammaln
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families.factorised import Factorised, RateFamily
from taut.families.implicit_gamma import log_gamma_noise, moving


def _entropies(shape, log_rate):
    return shape - log_rate + gammaln(shape) + (1 - shape) * digamma(shape)


def _log_density(z, shape, log_rate):
    return jnp.sum(shape * log_rate - gammaln(shape) + (shape - 1) * jnp.log(z) - jnp.exp(log_rate) * z)


class Gamma(Factorised):
    r"""Positive vectors with independent Gamma coordinates, shape and rate learned.

    .. math:: q(z) = \prod_j \frac{r_j^{a_j}}{\Gamma(a_j)} z_j^{a_j - 1} e^{-r_j z_j}

    Draws are differentiable by implicit reparametrisation. Its model takes positive z as they are drawn (`real`
    supports: no second change of variables).

    Attributes:
        log_shape: `[D]`, logarithms of the a_j.
        log_rate: `[D]`, logarithms of the r_j.

    Example:
        >>> q = Gamma.matching([2.0], sd=[0.5])
        >>> round(float(q.mean[0]), 6), round(float(q.variance[0]), 6)
        (2.0, 0.25)

    Source: M. Figurnov, S. Mohamed, A. Mnih, Implicit Reparameterization Gradients, 2018.
    """

    name: ClassVar[str] = "gamma"
    log_shape: Float[Array, " D"]
    log_rate: Float[Array, " D"]

    @classmethod
    def matching(cls, mean, sd=1.0) -> "Gamma":
        """The member with these means (`[D]`, positive) and standard deviations (a number or `[D]`)."""
        mean, sd = np.broadcast_arrays(np.asarray(mean, float), sd)
        return cls(2 * np.log(mean / sd), np.log(mean) - 2 * np.log(sd))

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.log_rate.shape[-1]

    @property
    def offers(self):
        """Moments, entropy and differentiable draws."""
        return super().offers | {Capability.REPARAMETRISED}

    @property
    def mean(self) -> Float[Array, " D"]:
        """Shape over rate."""
        return jnp.exp(self.log_shape - self.log_rate)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Shape over squared rate."""
        return jnp.exp(self.log_shape - 2 * self.log_rate)

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Logarithms of Gamma draws at rate 1."""
        return log_gamma_noise(key, jnp.exp(self.log_shape))

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw, differentiable in shape and rate."""
        return jnp.exp(moving(jnp.exp(self.log_shape), noise) - self.log_rate)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        return _log_density(z, jnp.exp(self.log_shape), self.log_rate)

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        return _entropies(jnp.exp(self.log_shape), self.log_rate)


def _check_shape(name: str, shape) -> None:
    if not isinstance(shape, (int, float)) or not 0 < shape < float("inf"):
        raise ArgumentError(f"{name}(shape={shape!r}): the fixed shape is one positive number, 1 for an exponential.")


class GammaRate(RateFamily):
    """Positive vectors with independent Gamma coordinates of one fixed shape; the rates are learned.

    Shape 1 is the exponential distribution. A fixed shape is what the weak derivative asks for.

    Attributes:
        log_rate: `[D]`, logarithms of the rates.
        shape: Shape of all coordinates, a positive number.

    Example:
        >>> GammaRate(jnp.zeros(2), shape=3.0).mean.tolist()
        [3.0, 3.0]
    """

    name: ClassVar[str] = "gamma-rate"
    log_rate: Float[Array, " D"]
    shape: float = eqx.field(static=True, default=1.0, converter=plain)

    def __check_init__(self):
        _check_shape("GammaRate", self.shape)

    @property
    def _time_shape(self):
        return float(self.shape)

    @property
    def mean(self) -> Float[Array, " D"]:
        """Shape over rate."""
        return self.shape * jnp.exp(-self.log_rate)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Shape over squared rate."""
        return self.shape * jnp.exp(-2 * self.log_rate)

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        return _log_density(z, jnp.asarray(self.shape, z.dtype), self.log_rate)

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        return _entropies(jnp.asarray(self.shape, self.log_rate.dtype), self.log_rate)


class Weibull(RateFamily):
    r"""Positive vectors with independent Weibull coordinates of one fixed shape; the rates are learned.

    .. math:: q(z) = \prod_j k\, r_j z_j^{k-1} e^{-r_j z_j^k}

    Attributes:
        log_rate: `[D]`, logarithms of the r_j.
        shape: k, a positive number; 1 is the exponential, 2 the Rayleigh distribution.

    Example:
        >>> Weibull(jnp.zeros(1), shape=1.0).mean.tolist()
        [1.0]
    """

    name: ClassVar[str] = "weibull"
    log_rate: Float[Array, " D"]
    shape: float = eqx.field(static=True, default=1.0, converter=plain)

    @property
    def phrase(self) -> str:
        """A proper noun."""
        return "Weibull"

    def __check_init__(self):
        _check_shape("Weibull", self.shape)

    def _of_time(self, time):
        return time ** (1 / self.shape)

    def _moment(self, order):
        k = order / self.shape
        return jnp.exp(jax.lax.lgamma(jnp.asarray(1 + k, self.log_rate.dtype)) - k * self.log_rate)

    @property
    def mean(self) -> Float[Array, " D"]:
        r"""\(\Gamma(1 + 1/k)\, r^{-1/k}\)."""
        return self._moment(1)

    @property
    def variance(self) -> Float[Array, " D"]:
        r"""\((\Gamma(1 + 2/k) - \Gamma(1 + 1/k)^2)\, r^{-2/k}\)."""
        return self._moment(2) - self._moment(1) ** 2

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        k = self.shape
        return jnp.sum(np.log(k) + self.log_rate + (k - 1) * jnp.log(z) - jnp.exp(self.log_rate) * z**k)

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        k = self.shape
        return float(np.euler_gamma * (1 - 1 / k) - np.log(k) + 1) - self.log_rate / k
