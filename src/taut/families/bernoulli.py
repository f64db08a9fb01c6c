"""Independent Bernoulli coordinates: the discrete family."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Branches
from taut.families.factorised import Factorised
from taut.families.weak_derivatives import NoBranchNoise


class Bernoulli(NoBranchNoise, Factorised):
    r"""Binary vectors with independent coordinates.

    .. math:: q(z) = \prod_j \pi_j^{z_j} (1 - \pi_j)^{1 - z_j}, \qquad \pi = \sigma(\ell)

    Attributes:
        logits: `[D]`, the \(\ell_j\).

    Draws jump as the logits move, so there is no reparametrization: REINFORCE, the local expectation, DisARM or
    enumeration train it.

    Example:
        >>> Bernoulli(jnp.zeros(2)).mean.tolist()
        [0.5, 0.5]
    """

    name: ClassVar[str] = "bernoulli"
    logits: Float[Array, " D"]

    @property
    def phrase(self) -> str:
        """A proper noun."""
        return "Bernoulli"

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.logits.shape[-1]

    @property
    def offers(self):
        """Moments and entropy, all outcomes; no differentiable draws."""
        return super().offers | {
            Capability.WEAK_DERIVATIVES,
            Capability.FINITE,
            Capability.BINARY,
            Capability.RELAXED,
            Capability.UNIFORM_NOISE,
        }

    @property
    def mean(self) -> Float[Array, " D"]:
        """The probabilities."""
        return jax.nn.sigmoid(self.logits)

    @property
    def variance(self) -> Float[Array, " D"]:
        """pi (1 - pi)."""
        return self.mean * (1 - self.mean)

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Uniform numbers, one a coordinate."""
        return jax.random.uniform(key, self.logits.shape, self.logits.dtype)

    def noises(self, key: PRNGKeyArray, count: int) -> Float[Array, "K D"]:
        """The same for `count` draws, from one key: a key for each costs more than the numbers."""
        return jax.random.uniform(key, (count, *self.logits.shape), self.logits.dtype)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """1 where the noise is below the probability."""
        return (noise < self.mean).astype(self.logits.dtype)

    def noise_at(self, uniform: Float[Array, " D"]) -> Float[Array, " D"]:
        """The numbers themselves."""
        return uniform

    def relaxed(self, noise: Float[Array, " D"], temperature: float) -> Float[Array, " D"]:
        """A point of the open cube that tends to the draw of the same noise as the temperature falls."""
        small = jnp.finfo(noise.dtype).tiny
        logistic = jnp.log1p(-noise) - jnp.log(jnp.maximum(noise, small))
        return jax.nn.sigmoid((self.logits + logistic) / temperature)

    @property
    def count(self) -> int:
        """Number of outcomes."""
        return 2**self.dim

    def outcomes(self) -> Float[np.ndarray, "N D"]:
        """All binary vectors."""
        return (np.arange(self.count)[:, None] >> np.arange(self.dim) & 1).astype(self.logits.dtype)

    def branches(self, noise: Float[Array, " D"], more: tuple[()]) -> Branches:
        """The draw with one coordinate flipped, for each: the local expectation."""
        z = self.sample(noise)
        flipped = jnp.where(jnp.eye(self.dim, dtype=bool), 1 - z, z)
        return Branches(flipped, jnp.where(z > 0, 1 - self.mean, self.mean))

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log probability log q(z), in nats."""
        return jnp.sum(z * self.logits - jax.nn.softplus(self.logits))

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate: softplus(l) - l pi, in nats."""
        return jax.nn.softplus(self.logits) - self.logits * self.mean
