"""Proportions that are no counts."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from scipy.special import betainc, betaincinv, expit

from taut.errors import ArgumentError
from taut.models.likelihoods.base import Likelihood, Moments
from taut.models.likelihoods.checks import within
from taut.models.likelihoods.gamma_functions import log_gamma_1p
from taut.models.likelihoods.parameter import Parameter
from taut.models.likelihoods.quadrature import averages


class Beta(Likelihood):
    """Values in (0, 1) of mean mu = sigmoid(eta) and variance mu (1 - mu) / (1 + precision).

    Attributes:
        log_precision: logarithm of the precision, the sum of the two parameters of the beta distribution.

    Example:
        >>> abs(round(float(Beta(precision=2.0).log_prob(jnp.zeros(1), jnp.array([0.3]))[0]), 4))  # uniform
        0.0
    """

    name: ClassVar[str] = "beta"
    scale: ClassVar[str] = "log-odds of the mean"
    link: ClassVar[str] = "logit"
    ratio: ClassVar[str] = "odds ratio"
    target: ClassVar[str | None] = "numbers"
    wants: ClassVar[str] = "numbers between 0 and 1, without the ends"
    log_precision: Any

    def __init__(self, precision: float = 2.0):
        if not (np.isfinite(precision) and precision > 0):
            raise ArgumentError(f"Beta(precision={precision!r}): a positive, finite number is needed.")
        self.log_precision = float(np.log(precision))

    def parameters(self, spread=1.0):
        """The precision."""
        from numpyro.distributions import Gamma

        return (Parameter("precision", "log_precision", Gamma(2.0, 0.1)),)

    def _with_derivatives(self, eta, y):
        """log p and its first two derivatives in eta.

        log Gamma(mu k) is written as log Gamma(1 + mu k) - log mu - log k, which is finite where mu is 0 to rounding.
        """
        log_k = jnp.asarray(self.log_precision, eta.dtype)
        k, mu, rest = jnp.exp(log_k), jax.nn.sigmoid(eta), jax.nn.sigmoid(-eta)
        (at_a, at_b), rate = (log_gamma_1p(k * share) for share in (mu, rest)), mu * rest
        log_y, log_rest = jnp.log(y), jnp.log1p(-y)
        ends = jax.nn.log_sigmoid(eta) + jax.nn.log_sigmoid(-eta) + 2 * log_k - log_y - log_rest
        value = gammaln(k) + k * (mu * log_y + rest * log_rest) + ends - at_a[0] - at_b[0]
        pull = log_y - log_rest - at_a[1] + at_b[1]
        bend = k * rate * (rest - mu) * pull - (k * rate) ** 2 * (at_a[2] + at_b[2]) - 2 * rate
        return value, k * rate * pull + rest - mu, bend

    def log_prob(self, eta, y):
        """The logarithm of the beta density, in nats."""
        return self._with_derivatives(eta, y)[0]

    def moments(self, m, v, y):
        """By quadrature."""
        value, slope, bend = averages(lambda eta: self._with_derivatives(eta, y[..., None]), m, v)
        return Moments(value, slope, -bend)

    def mean(self, eta, known=None):
        """Sigmoid(eta)."""
        return jax.nn.sigmoid(eta)

    def sd(self, eta, known=None):
        """The root of mu (1 - mu) / (1 + precision)."""
        k = jnp.exp(jnp.asarray(self.log_precision, eta.dtype))
        return jnp.sqrt(jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta) / (1 + k))

    def residual_variance(self, eta, spread):
        """By the delta method: the sd over the slope of the mean."""
        return (self.sd(eta) / (jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta))) ** 2

    def sample(self, key, eta, known=None):
        """Proportions, at least a rounding error from the ends."""
        k = jnp.exp(jnp.asarray(self.log_precision, eta.dtype))
        drawn = jax.random.beta(key, k * jax.nn.sigmoid(eta), k * jax.nn.sigmoid(-eta), eta.shape, eta.dtype)
        tiny = jnp.finfo(eta.dtype)
        return jnp.clip(drawn, tiny.tiny, 1 - tiny.epsneg)

    def _two(self, eta):
        k, eta = np.exp(np.asarray(self.log_precision, float)), np.asarray(eta, float)
        return k * expit(eta), k * expit(-eta)

    def cdf(self, eta, y):
        """An incomplete beta function."""
        return betainc(*self._two(eta), np.clip(np.asarray(y, float), 0, 1))

    def quantile(self, eta, p, known=None):
        """The inverse of that function."""
        return betaincinv(*self._two(eta), p)

    def check(self, y):
        """Strictly between 0 and 1."""
        remedy = (
            "Divide percentages by 100; for successes among trials use likelihood='binomial'; values at the ends need "
            "to be moved inward or left out."
        )
        within(self, y, 0.0, 1.0, remedy, open_ends=True)
