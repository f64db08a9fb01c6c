"""One of several levels, from a logit for each."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import softmax

from taut.core.capabilities import Capability
from taut.models.likelihoods.base import LOGISTIC_VARIANCE, Likelihood
from taut.models.likelihoods.checks import whole


class Categorical(Likelihood):
    """Elements that are one of `levels` whole numbers 0, 1, ..., from `levels` logits each, along the last axis.

    Attributes:
        levels: how many.

    Example:
        >>> round(float(Categorical(4).log_prob(jnp.zeros((1, 4)), jnp.array([2.0]))[0]), 4)
        -1.3863
    """

    name: ClassVar[str] = "categorical"
    scale: ClassVar[str] = "log-odds"
    link: ClassVar[str] = "logit"
    latent_variance: ClassVar[float | None] = LOGISTIC_VARIANCE
    discrete: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("bars",)
    ratio: ClassVar[str] = "odds ratio"
    examples: ClassVar[bool] = True
    levels: int = eqx.field(static=True, default=256)

    @property
    def wants(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whole numbers up to the last level."""
        return f"whole numbers from 0 to {self.levels - 1}"

    @property
    def outputs(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One logit a level."""
        return self.levels

    @property
    def offers(self):
        """No closed expectation: a logarithm of a sum over levels is no function of one number."""
        return frozenset({Capability.DIFFERENTIABLE})

    def _logits(self, eta):
        return eta

    def log_prob(self, eta, y):
        """The logits' log-softmax at y."""
        log_p = jax.nn.log_softmax(self._logits(eta), axis=-1)
        return jnp.take_along_axis(log_p, y.astype(jnp.int32)[..., None], axis=-1)[..., 0]

    def probabilities(self, eta):
        """P(Y = k|eta), along the last axis."""
        return jax.nn.softmax(self._logits(eta), axis=-1)

    def mean(self, eta, known=None):
        """Expected level."""
        return self.probabilities(eta) @ jnp.arange(self.levels, dtype=eta.dtype)

    def sample(self, key, eta, known=None):
        """A level each."""
        return jax.random.categorical(key, self._logits(eta), axis=-1).astype(eta.dtype)

    def _below(self, eta):
        return np.cumsum(softmax(np.asarray(self._logits(jnp.asarray(eta)), float), axis=-1), axis=-1)

    def cdf(self, eta, y):
        """A sum of probabilities, in the order of the levels."""
        below = self._below(eta)
        k = np.floor(np.asarray(y, float))
        found = np.take_along_axis(below, np.clip(k, 0, self.levels - 1).astype(int)[..., None], axis=-1)[..., 0]
        return np.where(k < 0, 0.0, np.where(k >= self.levels - 1, 1.0, found))

    def quantile(self, eta, p, known=None):
        """The number of levels up to which the sum of probabilities is below p."""
        below = self._below(eta)[..., :-1]
        return np.sum(below < np.asarray(p, float)[..., None], axis=-1).astype(float)

    def check(self, y):
        """Whole numbers from 0 to levels - 1."""
        whole(self, y, self.levels - 1, "Give the number of levels, Categorical(levels), or count levels from 0.")
