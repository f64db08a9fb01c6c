"""The kinds of latent vectors that an encoder gives: real ones with a Gaussian, binary ones with a Bernoulli."""

import abc
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

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
    binary: ClassVar[bool] = False
    """Whether a coordinate is 0 or 1."""
    outputs: ClassVar[tuple[str, ...]]
    """What the encoder gives for each coordinate of z, in this order."""
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


class GaussianLatent(Latent):
    r"""Real coordinates: \(N(m, \mathrm{diag}(s^2))\) with \(\log s = 7 \tanh(\ell / 7)\) from outputs m and l."""

    name: ClassVar[str] = "gaussian"
    noun: ClassVar[str] = "Gaussian"
    outputs: ClassVar[tuple[str, ...]] = ("mean", "log_sd")
    ends: ClassVar[tuple[float, float]] = (-3.0, 3.0)

    def member(self, output):
        """Means first, then log standard deviations before the bound, in one array or as a pair."""
        mean, log_sd = output if isinstance(output, (tuple, list)) else jnp.split(output, 2)
        return MeanField(mean, LOG_SD_BOUND * jnp.tanh(log_sd / LOG_SD_BOUND))

    def example(self, dim):
        """A standard normal."""
        return MeanField.around(np.zeros(dim))

    def typical(self, z):
        """The mean itself."""
        return z


class BernoulliLatent(Latent):
    """Binary coordinates with the outputs for logits."""

    name: ClassVar[str] = "bernoulli"
    noun: ClassVar[str] = "binary"
    binary: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("logit",)
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


LATENTS: dict[str, Latent] = {latent.name: latent for latent in (GaussianLatent(), BernoulliLatent())}
