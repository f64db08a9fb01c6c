"""Counts."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.special import gammaincc

from taut.models.likelihoods.base import Moments
from taut.models.likelihoods.checks import whole
from taut.models.likelihoods.log_link import LogLink
from taut.models.likelihoods.whole_numbers import smallest

COUNTS = (
    "Give counts. For amounts use likelihood='gamma', for successes among trials 'binomial', for other numbers "
    "'gaussian'."
)


def drawn_counts(key: PRNGKeyArray, rate: Float[Array, "..."]) -> Float[Array, "..."]:
    """Poisson counts; a rate that is beyond whole numbers is its own count, since its spread is then below rounding."""
    drawn = jax.random.poisson(key, rate)
    return jnp.where(rate < jnp.iinfo(drawn.dtype).max / 2, drawn.astype(rate.dtype), rate)


class Poisson(LogLink):
    """Counts of log-rate eta: y eta - e^eta - log y!.

    Example:
        >>> round(float(Poisson().log_prob(jnp.zeros(1), jnp.array([1.0]))[0]), 4)
        -1.0
    """

    name: ClassVar[str] = "poisson"
    scale: ClassVar[str] = "log-rate"
    ratio: ClassVar[str] = "rate ratio"
    wants: ClassVar[str] = "whole numbers from 0 on"
    discrete: ClassVar[bool] = True
    log_concave: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("bars", "residuals", "statistics")
    examples: ClassVar[bool] = True

    def log_prob(self, eta, y):
        """Y eta - e^eta - log y!, in nats."""
        return y * eta - jnp.exp(eta) - gammaln(y + 1)

    def moments(self, m, v, y):
        """Closed: E e^eta = e^(m + v/2)."""
        rate = jnp.exp(m + v / 2)
        return Moments(y * m - rate - gammaln(y + 1), y - rate, rate)

    def mean(self, eta, known=None):
        """The rates."""
        return jnp.exp(eta)

    def sd(self, eta, known=None):
        """The root of the rate."""
        return jnp.exp(eta / 2)

    def sample(self, key, eta, known=None):
        """Counts."""
        return drawn_counts(key, jnp.exp(eta))

    def cdf(self, eta, y):
        """An incomplete gamma function."""
        k = np.floor(np.asarray(y, float))
        with np.errstate(over="ignore"):  # of an infinite rate no count is reached
            rate = np.exp(np.asarray(eta, float))
        return np.where(k < 0, 0.0, gammaincc(np.maximum(k, 0) + 1, rate))

    def quantile(self, eta, p, known=None):
        """A count."""
        return smallest(lambda k: self.cdf(eta, k), p)

    def check(self, y):
        """Whole numbers from 0 on."""
        whole(self, y, np.inf, COUNTS)
