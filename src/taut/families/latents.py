"""The kinds of latent vectors that an encoder gives: real ones with a Gaussian, binary ones with a Bernoulli."""

import abc
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.families.base import Distribution
from taut.families.bernoulli import Bernoulli
from taut.families.mean_field import MeanField

LOG_SD_BOUND = 7.0
"""Posterior standard deviations lie between e^-7 and e^7, so that no input overflows."""


class Latent(abc.ABC):
    """How an encoder's output becomes a distribution over z, and what reports have to know about such a z."""

    name: ClassVar[str]
    noun: ClassVar[str]
    """What a text calls a unit of this kind: "a binary unit"."""
    outputs: ClassVar[int]
    """Numbers that the encoder gives for each coordinate of z."""
    ends: ClassVar[tuple[float, float]]
    """The values between which a report moves one coordinate of z."""

    @abc.abstractmethod
    def member(self, output: Float[Array, " N"]) -> Distribution:
        """The distribution over z with `output` for its parameters."""

    @abc.abstractmethod
    def example(self, dim: int) -> Distribution:
        """A distribution over z with `dim` coordinates, on the host."""

    @abc.abstractmethod
    def typical(self, z: Float[np.ndarray, "... D"]) -> Float[np.ndarray, "... D"]:
        """The value that z can take and that is nearest to a posterior mean."""

    @abc.abstractmethod
    def draw_prior(self, prior: Any, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "n D"]:
        """Draws `[n, D]` of a prior over such a z."""


class GaussianLatent(Latent):
    r"""Real coordinates: \(N(m, \mathrm{diag}(s^2))\) with \(\log s = 7 \tanh(\ell / 7)\) from outputs m and l."""

    name: ClassVar[str] = "gaussian"
    noun: ClassVar[str] = "Gaussian"
    outputs: ClassVar[int] = 2
    ends: ClassVar[tuple[float, float]] = (-3.0, 3.0)

    def member(self, output):
        """Means first, then log standard deviations before the bound."""
        mean, log_sd = jnp.split(output, 2)
        return MeanField(mean, LOG_SD_BOUND * jnp.tanh(log_sd / LOG_SD_BOUND))

    def example(self, dim):
        """A standard normal."""
        return MeanField.around(np.zeros(dim))

    def typical(self, z):
        """The mean itself."""
        return z

    def draw_prior(self, prior, key, shape):
        """Location plus scale times standard normal numbers."""
        scale = jnp.exp(prior.log_scale) if prior.learned else jnp.asarray(prior.scale)
        return prior.loc + scale * jax.random.normal(key, shape)


class BernoulliLatent(Latent):
    """Binary coordinates with the outputs for logits."""

    name: ClassVar[str] = "bernoulli"
    noun: ClassVar[str] = "binary"
    outputs: ClassVar[int] = 1
    ends: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def member(self, output):
        """The outputs as logits."""
        return Bernoulli(output)

    def example(self, dim):
        """Fair coins."""
        return Bernoulli(np.zeros(dim))

    def typical(self, z):
        """0 or 1."""
        return np.round(z)

    def draw_prior(self, prior, key, shape):
        """Coins with the prior's logit."""
        return jax.random.bernoulli(key, jax.nn.sigmoid(prior.logit), shape).astype(jnp.float32)


LATENTS: dict[str, Latent] = {latent.name: latent for latent in (GaussianLatent(), BernoulliLatent())}
