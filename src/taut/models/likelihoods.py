"""Likelihoods of one example given the decoder's output, summed over its elements: nats per example.

Sums, never means: tiling an image twice doubles its log-likelihood and leaves the KL alone. Decoders give logits,
never probabilities, so that nothing has to be clipped: every formula is finite at logits of +-1e4.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.constants import LOG_2PI
from taut.errors import ArgumentError, DataError


class Likelihood(eqx.Module):
    """p(x|output) for one example x of any shape; floating leaves are learned with the decoder."""

    name: ClassVar[str]
    outputs: ClassVar[int] = 1
    """Numbers that the decoder gives for each element of x."""

    @property
    def moves(self) -> bool:
        """Whether a parameter of its own is learned with the decoder."""
        return False

    @property
    def element_sd(self) -> float | None:
        """Standard deviation of an element, the same for all; None where the likelihood has no such number."""
        return None

    @abc.abstractmethod
    def log_prob(self, output: Float[Array, " N"], x: Float[Array, " n"]) -> Float[Array, ""]:
        """log p(x|output), summed over elements, in nats per example."""

    @abc.abstractmethod
    def mean(self, output: Float[Array, " N"]) -> Float[Array, " n"]:
        """E[x|output]."""

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, output: Float[Array, " N"]) -> Float[Array, " n"]:
        """A draw of x."""

    def check(self, images: np.ndarray) -> None:
        """Refuse data outside the likelihood's support, with the remedy.

        Raises:
            DataError: naming the first offending value.
        """


class Bernoulli(Likelihood):
    """Independent 0/1 elements: x l - softplus(l) for logits l.

    Example:
        >>> round(float(Bernoulli().log_prob(jnp.zeros(2), jnp.array([0.0, 1.0]))), 4)
        -1.3863
    """

    name: ClassVar[str] = "bernoulli"

    def log_prob(self, output, x):
        """x l - softplus(l), summed."""
        return jnp.sum(x * output - jax.nn.softplus(output))

    def mean(self, output):
        """The probabilities."""
        return jax.nn.sigmoid(output)

    def sample(self, key, output):
        """0/1 draws."""
        return jax.random.bernoulli(key, jax.nn.sigmoid(output)).astype(output.dtype)

    def check(self, images):
        """Only 0 and 1: on grey values this is no normalised likelihood."""
        grey = (images != 0) & (images != 1)
        if grey.any():
            raise DataError(
                f"The Bernoulli likelihood is for 0/1 values and {grey.mean():.1%} of the data are others, e.g. "
                f"{images[grey][0]:.4g}. Binarise them (fixed, dynamic or threshold), use "
                "likelihood='continuous-bernoulli' for values in "
                "[0, 1], or likelihood='relaxed' to use the Bernoulli formula on grey values knowingly (it is not a "
                "density then)."
            )


class Relaxed(Bernoulli):
    """The Bernoulli formula on grey values in [0, 1]: common, but not a normalised likelihood, hence its own name.

    Example:
        >>> Relaxed().name
        'relaxed'
    """

    name: ClassVar[str] = "relaxed"

    def check(self, images):
        """Values in [0, 1]."""
        _within(images, 0.0, 1.0, self.name)


class ContinuousBernoulli(Relaxed):
    """The Bernoulli formula normalised over [0, 1].

    log C(l) = log(2 artanh(1 - 2p) / (1 - 2p)) = log(l / tanh(l/2)) for p = sigmoid(l), with the
    Taylor series log 2 + l^2/12 near l = 0.

    Source: G. Loaiza-Ganem and J. Cunningham, The Continuous Bernoulli: Fixing a Pervasive Error in Variational
    Autoencoders, 2019.

    Example:
        >>> round(float(ContinuousBernoulli().log_prob(jnp.zeros(1), jnp.array([0.3]))), 6)
        0.0
    """

    name: ClassVar[str] = "continuous-bernoulli"

    def log_prob(self, output, x):
        """The Bernoulli formula plus the log-normaliser."""
        near = jnp.abs(output) < 0.1
        far = jnp.where(near, 1.0, jnp.abs(output))
        exact = jnp.log(far) - jnp.log(jnp.tanh(far / 2))
        series = float(np.log(2)) + output**2 / 12 - 7 * output**4 / 1440
        return super().log_prob(output, x) + jnp.sum(jnp.where(near, series, exact))

    def mean(self, output):
        """1/(1 - e^-l) - 1/l, near 0 by its series 1/2 + l/12."""
        near = jnp.abs(output) < 0.1
        far = jnp.where(near, 1.0, output)
        return jnp.where(near, 0.5 + output / 12 - output**3 / 720, -1 / jnp.expm1(-far) - 1 / far)

    def sample(self, key, output):
        """By the inverse of the distribution function: log(1 + u (e^l - 1)) / l."""
        u = jax.random.uniform(key, output.shape, output.dtype)
        near = jnp.abs(output) < 0.01
        far = jnp.where(near, 1.0, jnp.clip(output, -80.0, 80.0))
        return jnp.where(near, u + output * u * (1 - u) / 2 * -1, jnp.log1p(u * jnp.expm1(far)) / far)


class Gaussian(Likelihood):
    """Independent normal elements with one standard deviation, fixed or learned.

    Attributes:
        log_sd: natural logarithm of the standard deviation; a learned leaf if `learned`.
        learned: whether the standard deviation moves with the decoder.

    Source: O. Rybkin, K. Daniilidis, S. Levine, Simple and Effective VAE Training with Calibrated Decoders, 2021
    (learned variance).

    Example:
        >>> round(float(Gaussian(sd=1.0).log_prob(jnp.zeros(1), jnp.zeros(1))), 4)
        -0.9189
    """

    name: ClassVar[str] = "gaussian"
    log_sd: Any
    learned: bool = eqx.field(static=True)

    def __init__(self, sd: float = 1.0, *, learned: bool = False):
        if not (np.isfinite(sd) and sd > 0):
            raise ArgumentError(f"Gaussian(sd={sd!r}): a standard deviation must be positive and finite.")
        self.log_sd = np.asarray(np.log(sd)) if learned else float(np.log(sd))
        self.learned = learned

    def log_prob(self, output, x):
        """With every constant: never a bare squared error."""
        log_sd = self._bounded(output.dtype)
        return jnp.sum(-0.5 * ((x - output) * jnp.exp(-log_sd)) ** 2 - log_sd - 0.5 * LOG_2PI)

    @property
    def moves(self):
        """As it was made."""
        return self.learned

    @property
    def element_sd(self):
        """The standard deviation in use."""
        return float(jnp.exp(self._bounded(jnp.result_type(float))))

    def _bounded(self, dtype):
        log_sd = jnp.asarray(self.log_sd, dtype)
        # A learned one lies between e^-7 and e^7: a perfect reconstruction must not send the density to infinity.
        return 7 * jnp.tanh(log_sd / 7) if self.learned else log_sd

    def mean(self, output):
        """The output."""
        return output

    def sample(self, key, output):
        """Mean plus noise."""
        return output + jnp.exp(self._bounded(output.dtype)) * jax.random.normal(key, output.shape, output.dtype)


class Categorical(Likelihood):
    """Elements that are one of `levels` whole numbers 0, 1, ..., from `levels` logits each.

    Attributes:
        levels: how many.

    Example:
        >>> round(float(Categorical(4).log_prob(jnp.zeros(4), jnp.array([2.0]))), 4)
        -1.3863
    """

    name: ClassVar[str] = "categorical"
    levels: int = eqx.field(static=True, default=256)

    @property
    def outputs(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One logit a level."""
        return self.levels

    def _logits(self, output):
        return output.reshape(-1, self.levels)

    def log_prob(self, output, x):
        """The logits' log-softmax at x, summed."""
        log_p = jax.nn.log_softmax(self._logits(output), axis=-1)
        return jnp.sum(jnp.take_along_axis(log_p, x.ravel().astype(jnp.int32)[:, None], axis=-1))

    def mean(self, output):
        """Expected level."""
        levels = jnp.arange(self.levels, dtype=output.dtype)
        return jax.nn.softmax(self._logits(output), axis=-1) @ levels

    def sample(self, key, output):
        """A level each."""
        return jax.random.categorical(key, self._logits(output), axis=-1).astype(output.dtype)

    def check(self, images):
        """Whole numbers from 0 to levels - 1."""
        _whole(images, self.levels - 1, self.name)


class Poisson(Likelihood):
    """Counts with log-rates from the decoder: x l - e^l - log x!.

    Example:
        >>> round(float(Poisson().log_prob(jnp.zeros(1), jnp.array([1.0]))), 4)
        -1.0
    """

    name: ClassVar[str] = "poisson"

    def _log_rate(self, output):
        return 20 * jnp.tanh(output / 20)  # e^20 is more than any count, and finite

    def log_prob(self, output, x):
        """x l - e^l - log x!, summed."""
        log_rate = self._log_rate(output)
        return jnp.sum(x * log_rate - jnp.exp(log_rate) - gammaln(x + 1))

    def mean(self, output):
        """The rates."""
        return jnp.exp(self._log_rate(output))

    def sample(self, key, output):
        """Counts."""
        return jax.random.poisson(key, jnp.exp(self._log_rate(output))).astype(output.dtype)

    def check(self, images):
        """Whole numbers from 0 on."""
        _whole(images, np.inf, self.name)


LIKELIHOODS = {c.name: c for c in (Bernoulli, Relaxed, ContinuousBernoulli, Gaussian, Categorical, Poisson)}


def _within(images: np.ndarray, low: float, high: float, name: str) -> None:
    outside = (images < low) | (images > high)
    if outside.any():
        raise DataError(
            f"The {name} likelihood is for values from {low:g} to {high:g} and {outside.mean():.1%} of the data are "
            "outside, e.g. "
            f"{images[outside][0]:.4g}. Scale them (images of 0 to 255: divide by 255)."
        )


def _whole(images: np.ndarray, high: float, name: str) -> None:
    wrong = (images != np.floor(images)) | (images < 0) | (images > high)
    if wrong.any():
        limit = f"to {high:g}" if np.isfinite(high) else "on"
        raise DataError(
            f"The {name} likelihood is for whole numbers from 0 {limit} and {wrong.mean():.1%} of the data are "
            f"others, e.g. {images[wrong][0]:.4g}."
        )
