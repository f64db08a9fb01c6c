"""Levels in order, such as grades."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, logit

from taut.core.names import brief
from taut.errors import ArgumentError
from taut.models.expectations import logistic_expectations
from taut.models.likelihoods.base import LOGISTIC_VARIANCE, Likelihood, Moments
from taut.models.likelihoods.checks import whole
from taut.models.likelihoods.parameter import Parameter
from taut.models.supports import ordered, real


class Ordinal(Likelihood):
    r"""The cumulative logit: P(Y <= k|eta) = sigmoid(c_k - eta) for thresholds c_0 < c_1 < ... and levels 0, 1, ...

    With the thresholds b < c around a level, log(sigmoid(c - eta) - sigmoid(b - eta)) is log(1 - e^(b - c)) less
    softplus(eta - c) and softplus(b - eta): its expectations are those of softplus.

    Attributes:
        thresholds: one fewer than there are levels, in order. They take the place of an intercept.

    Example:
        >>> round(float(Ordinal(3).log_prob(jnp.zeros(1), jnp.array([2.0]))[0]), 4)  # equal chances at eta = 0
        -1.0986

    Source: P. McCullagh, Regression Models for Ordinal Data, 1980.
    """

    name: ClassVar[str] = "ordinal"
    scale: ClassVar[str] = "log-odds of a higher level"
    link: ClassVar[str] = "logit"
    ratio: ClassVar[str] = "odds ratio"
    target: ClassVar[str | None] = "ordered labels"
    latent_variance: ClassVar[float | None] = LOGISTIC_VARIANCE
    discrete: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("bars", "residuals")
    intercept: ClassVar[bool] = False
    thresholds: Any

    def __init__(self, levels: int | None = None, *, thresholds: Sequence[float] | None = None):
        if thresholds is None:
            if levels is None or levels < 2:
                raise ArgumentError(f"Ordinal(levels={levels}): the number of levels is needed, at least two.")
            thresholds = logit(np.arange(1, levels) / levels).tolist()
        at = np.asarray(thresholds, float)
        if not (at.ndim == 1 and at.size and np.all(np.isfinite(at)) and np.all(np.diff(at) > 0)):
            raise ArgumentError(
                f"Ordinal(thresholds={brief(thresholds)}): finite numbers are needed, each larger than the one before."
            )
        self.thresholds = tuple(at.tolist())

    @property
    def levels(self) -> int:
        """How many."""
        return len(self.thresholds) + 1

    @property
    def wants(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whole numbers up to the last level."""
        return f"{self.levels} ordered levels, as whole numbers from 0 to {self.levels - 1}"

    def parameters(self, spread=1.0):
        """The thresholds."""
        from numpyro.distributions import Normal

        count = self.levels - 1
        labels = tuple(f"{k}|{k + 1}" for k in range(1, self.levels))
        support = ordered(count) if count > 1 else real(1)
        return (Parameter("threshold", "thresholds", Normal(0.0, 5.0), support, labels),)

    def _around(self, y, dtype):
        """The level's lower and upper thresholds, whether it has them, and log(1 - e^(lower - upper))."""
        thresholds = jnp.asarray(self.thresholds, dtype)
        level = jnp.asarray(y).astype(jnp.int32)
        has_lower, has_upper = level > 0, level < self.levels - 1
        lower = jnp.take(thresholds, jnp.maximum(level - 1, 0))
        upper = jnp.take(thresholds, jnp.minimum(level, self.levels - 2))
        gap = jnp.where(has_lower & has_upper, upper - lower, 1.0)
        width = jnp.where(has_lower & has_upper, jnp.log(-jnp.expm1(-gap)), 0.0)
        return lower, upper, has_lower, has_upper, width

    def log_prob(self, eta, y):
        """The logarithm of a difference of two sigmoids, without cancellation."""
        lower, upper, has_lower, has_upper, width = self._around(y, eta.dtype)
        above = jnp.where(has_upper, jax.nn.softplus(eta - upper), 0.0)
        below = jnp.where(has_lower, jax.nn.softplus(lower - eta), 0.0)
        return width - above - below

    def moments(self, m, v, y):
        """Closed, to 2e-8."""
        lower, upper, has_lower, has_upper, width = self._around(y, m.dtype)
        above = [jnp.where(has_upper, x, 0.0) for x in logistic_expectations(m - upper, v)]
        below = [jnp.where(has_lower, x, 0.0) for x in logistic_expectations(lower - m, v)]
        return Moments(width - above[0] - below[0], below[1] - above[1], above[2] + below[2])

    def probabilities(self, eta):
        """P(Y = k|eta), along the last axis."""
        levels = jnp.arange(self.levels)
        return jnp.exp(self.log_prob(eta[..., None], jnp.broadcast_to(levels, (*eta.shape, self.levels))))

    def mean(self, eta, known=None):
        """Expected level: the sum of P(Y > k)."""
        return jnp.sum(jax.nn.sigmoid(eta[..., None] - jnp.asarray(self.thresholds, eta.dtype)), axis=-1)

    def sd(self, eta, known=None):
        """Standard deviation of the level, as a number."""
        away = jnp.arange(self.levels, dtype=eta.dtype) - self.mean(eta)[..., None]
        return jnp.sqrt(jnp.sum(self.probabilities(eta) * away**2, axis=-1))

    def sample(self, key, eta, known=None):
        """How many thresholds lie below eta plus logistic noise."""
        seen = eta + jax.random.logistic(key, eta.shape, eta.dtype)
        return jnp.sum(seen[..., None] > jnp.asarray(self.thresholds, eta.dtype), axis=-1).astype(eta.dtype)

    def cdf(self, eta, y):
        """The sigmoid of the threshold above the level, less eta."""
        thresholds, k = np.asarray(self.thresholds, float), np.floor(np.asarray(y, float))
        inside = expit(thresholds[np.clip(k, 0, self.levels - 2).astype(int)] - np.asarray(eta, float))
        return np.where(k < 0, 0.0, np.where(k >= self.levels - 1, 1.0, inside))

    def quantile(self, eta, p, known=None):
        """The number of thresholds whose cumulative probability is below p."""
        below = expit(np.asarray(self.thresholds, float) - np.asarray(eta, float)[..., None])
        return np.sum(below < np.asarray(p, float)[..., None], axis=-1).astype(float)

    def check(self, y):
        """Whole numbers from 0 to the last level."""
        whole(self, y, self.levels - 1, "Give the levels' number, Ordinal(levels), or count levels from 0.")
