"""Times to an event, some of them cut short by the end of the observation."""

import abc
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, xlogy

from taut.models.likelihoods.base import Moments
from taut.models.likelihoods.checks import refuse, within
from taut.models.likelihoods.log_link import LogLink


class Survival(LogLink):
    """Weibull times of scale e^eta; y is the pair (time, event).

    Where event is 1 the time was seen, where it is 0 only that it is longer (right-censored). `mean`, `sd`, `sample`,
    `cdf` and `quantile` are of the uncensored time.
    """

    ratio: ClassVar[str] = "time ratio"
    parts: ClassVar[tuple[str, ...]] = ("time", "event")
    checks: ClassVar[tuple[str, ...]] = ("residuals",)
    wants: ClassVar[str] = "times of zero or more, each with 1 (the event was seen) or 0 (censored)"

    @abc.abstractmethod
    def _log_shape(self, dtype: Any) -> Any:
        """Logarithm of the shape k."""

    def log_prob(self, eta, y):
        """event (log k + (k - 1) log t - k eta) - (t / e^eta)^k, in nats."""
        time, event = y
        log_k = self._log_shape(eta.dtype)
        k = jnp.exp(log_k)
        return event * (log_k - k * eta) + xlogy(event * (k - 1), time) - jnp.exp(k * (jnp.log(time) - eta))

    def moments(self, m, v, y):
        """Closed: E e^(-k eta) = e^(-k m + k^2 v/2)."""
        time, event = y
        log_k = self._log_shape(m.dtype)
        k = jnp.exp(log_k)
        hazard = jnp.exp(k * (jnp.log(time) - m) + 0.5 * k**2 * v)
        value = event * (log_k - k * m) + xlogy(event * (k - 1), time) - hazard
        return Moments(value, k * (hazard - event), k**2 * hazard)

    def observed(self, drawn, known=None):
        """Times whose event was seen."""
        return drawn, jnp.ones_like(drawn)

    def mean(self, eta, known=None):
        """e^eta Gamma(1 + 1/k)."""
        return jnp.exp(eta + gammaln(1 + jnp.exp(-self._log_shape(eta.dtype))))

    def sd(self, eta, known=None):
        """The root of e^(2 eta) Gamma(1 + 2/k) - mean^2."""
        inverse = jnp.exp(-self._log_shape(eta.dtype))
        first, second = gammaln(1 + inverse), gammaln(1 + 2 * inverse)
        return jnp.exp(eta + first) * jnp.sqrt(jnp.expm1(second - 2 * first))

    def residual_variance(self, eta, spread):
        """None: shares of variance have no agreed meaning where times are censored."""

    def sample(self, key, eta, known=None):
        """Times to the event."""
        unit = jax.random.exponential(key, eta.shape, eta.dtype)
        return jnp.exp(eta) * unit ** jnp.exp(-self._log_shape(eta.dtype))

    def _shape(self):
        return np.exp(np.asarray(self._log_shape(jnp.result_type(float)), float))

    def cdf(self, eta, y):
        """1 - e^(-(t / e^eta)^k)."""
        time = np.maximum(np.asarray(y[0], float), 0.0)
        return -np.expm1(-((time * np.exp(-np.asarray(eta, float))) ** self._shape()))

    def cdf_around(self, eta, y):
        """Of a censored time everything above is possible."""
        at = self.cdf(eta, y)
        return at, np.where(np.asarray(y[1]) == 0, 1.0, at)

    def quantile(self, eta, p, known=None):
        """The inverse of that function."""
        return np.exp(np.asarray(eta, float)) * (-np.log1p(-np.asarray(p, float))) ** (1 / self._shape())

    def check(self, y):
        """Times of zero or more, and events of 0 or 1."""
        time, event = (np.asarray(part) for part in y)
        within(self, time, 0.0, np.inf, "These are the times: give durations since the start of each row.")
        refuse(
            self, event, (event != 0) & (event != 1), "These are the events: give 1 where the event was seen, else 0."
        )
