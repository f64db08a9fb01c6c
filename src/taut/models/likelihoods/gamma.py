"""Positive amounts."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from scipy.special import gammainc, gammaincinv

from taut.errors import ArgumentError
from taut.models.likelihoods.base import Moments
from taut.models.likelihoods.checks import within
from taut.models.likelihoods.log_link import LogLink
from taut.models.likelihoods.parameter import Parameter


class Gamma(LogLink):
    """Amounts of mean mu = e^eta and sd mu / sqrt(shape).

    Attributes:
        log_shape: logarithm of the shape.

    Example:
        >>> round(float(Gamma(shape=1.0).log_prob(jnp.zeros(1), jnp.ones(1))[0]), 4)
        -1.0
    """

    name: ClassVar[str] = "gamma"
    wants: ClassVar[str] = "positive numbers"
    log_shape: Any

    def __init__(self, shape: float = 1.0):
        if not (np.isfinite(shape) and shape > 0):
            raise ArgumentError(f"Gamma(shape={shape!r}): a positive, finite number is needed.")
        self.log_shape = float(np.log(shape))

    def parameters(self, spread=1.0):
        """The shape, the inverse of the squared coefficient of variation."""
        from numpyro.distributions import Gamma as Prior

        return (Parameter("shape", "log_shape", Prior(2.0, 0.1)),)

    def _parts(self, eta, y, excess):
        """The log density where the expected y / mu is e^(log y - eta + excess), and that ratio times the shape."""
        log_k = jnp.asarray(self.log_shape, eta.dtype)
        k, log_y = jnp.exp(log_k), jnp.log(y)
        ratio = jnp.exp(log_y - eta + excess)
        return k * (log_k + log_y - eta - ratio) - gammaln(k) - log_y, k, k * ratio

    def log_prob(self, eta, y):
        """k (log k + log(y / mu) - y / mu) - log Gamma(k) - log y, in nats."""
        return self._parts(eta, y, 0.0)[0]

    def moments(self, m, v, y):
        """Closed: E e^-eta = e^(-m + v/2)."""
        value, k, bend = self._parts(m, y, v / 2)
        return Moments(value, bend - k, bend)

    def mean(self, eta, known=None):
        """E^eta."""
        return jnp.exp(eta)

    def sd(self, eta, known=None):
        """The mean over the root of the shape."""
        return jnp.exp(eta - 0.5 * jnp.asarray(self.log_shape, eta.dtype))

    def sample(self, key, eta, known=None):
        """Amounts."""
        log_k = jnp.asarray(self.log_shape, eta.dtype)
        return jnp.exp(jax.random.loggamma(key, jnp.exp(log_k), eta.shape, eta.dtype) + eta - log_k)

    def cdf(self, eta, y):
        """An incomplete gamma function."""
        k = np.exp(np.asarray(self.log_shape, float))
        return gammainc(k, k * np.maximum(np.asarray(y, float), 0) * np.exp(-np.asarray(eta, float)))

    def quantile(self, eta, p, known=None):
        """The inverse of that function."""
        k = np.exp(np.asarray(self.log_shape, float))
        return gammaincinv(k, p) / k * np.exp(np.asarray(eta, float))

    def check(self, y):
        """Above zero, and finite."""
        remedy = "Leave zeros out, or model them apart. For whole counts use likelihood='poisson'."
        within(self, y, 0.0, np.inf, remedy, open_ends=True)
