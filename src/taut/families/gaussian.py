"""What the Gaussian families share."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Distribution


class Gaussian(Distribution):
    """A Gaussian whose draws are an affine function of standard normal numbers.

    Attributes:
        mean: `[D]`.
    """

    mean: eqx.AbstractVar[Float[Array, " D"]]

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.mean.shape[-1]

    @property
    def phrase(self) -> str:
        """With the word that its name leaves out."""
        return f"{self.name} Gaussian"

    @property
    def offers(self):
        """What every Gaussian can give."""
        return frozenset(
            {
                Capability.REPARAMETRISED,
                Capability.MOMENTS,
                Capability.COVARIANCE,
                Capability.PREDICTOR_MOMENTS,
                Capability.CLOSED_ENTROPY,
                Capability.UNIFORM_NOISE,
                Capability.NORMAL_NOISE,
            }
        )

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Standard normal numbers, one for each coordinate."""
        return jax.random.normal(key, self.mean.shape, self.mean.dtype)

    def noises(self, key: PRNGKeyArray, count: int) -> Float[Array, "K D"]:
        """The same for `count` draws, from one key: a key for each costs more than the numbers."""
        return jax.random.normal(key, (count, *self.mean.shape), self.mean.dtype)

    def noise_at(self, uniform: Float[Array, " D"]) -> Float[Array, " D"]:
        """The normal quantiles of numbers in (0, 1)."""
        return jax.scipy.special.ndtri(uniform)
