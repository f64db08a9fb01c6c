"""Real numbers with normal residuals."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr, ndtri

from taut.core.constants import LOG_2PI
from taut.errors import ArgumentError
from taut.models.likelihoods.base import Likelihood, Moments
from taut.models.likelihoods.checks import finite
from taut.models.likelihoods.parameter import Parameter


class Gaussian(Likelihood):
    """Independent normal elements with one standard deviation, fixed or learned.

    Attributes:
        log_sd: natural logarithm of the standard deviation; a learned leaf if `learned`.
        learned: whether the standard deviation moves with the decoder.

    Source: O. Rybkin, K. Daniilidis, S. Levine, Simple and Effective VAE Training with Calibrated Decoders, 2021
    (learned variance).

    Example:
        >>> round(float(Gaussian(sd=1.0).log_prob(jnp.zeros(1), jnp.zeros(1))[0]), 4)
        -0.9189
    """

    name: ClassVar[str] = "gaussian"
    scale: ClassVar[str] = "mean"
    target: ClassVar[str | None] = "numbers"
    wants: ClassVar[str] = "finite numbers"
    examples: ClassVar[bool] = True
    log_sd: Any
    learned: bool = eqx.field(static=True)

    def __init__(self, sd: float = 1.0, *, learned: bool = False):
        if not (np.isfinite(sd) and sd > 0):
            raise ArgumentError(f"Gaussian(sd={sd!r}): a standard deviation must be positive and finite.")
        self.log_sd = np.asarray(np.log(sd)) if learned else float(np.log(sd))
        self.learned = learned

    def parameters(self, spread=1.0):
        """The residual standard deviation."""
        from numpyro.distributions import HalfNormal

        return (Parameter("sigma", "log_sd", HalfNormal(spread)),)

    def with_parameters(self, values):
        """Without the bound that a learned one has under a decoder."""
        return Likelihood.with_parameters(Gaussian(), values) if values else self

    def log_prob(self, eta, y):
        """With every constant: never a bare squared error."""
        log_sd = self._bounded(eta.dtype)
        return -0.5 * ((y - eta) * jnp.exp(-log_sd)) ** 2 - log_sd - 0.5 * LOG_2PI

    def moments(self, m, v, y):
        """Closed."""
        log_sd = self._bounded(m.dtype)
        precision = jnp.exp(-2 * log_sd)
        value = -0.5 * ((y - m) ** 2 + v) * precision - log_sd - 0.5 * LOG_2PI
        return Moments(value, (y - m) * precision, jnp.broadcast_to(precision, value.shape))

    def response(self, m, v, known=None):
        """Those of the predictor."""
        return m, jnp.sqrt(v)

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

    def _sd(self):
        return np.exp(np.asarray(self._bounded(jnp.result_type(float)), float))

    def mean(self, eta, known=None):
        """The predictor."""
        return eta

    def sd(self, eta, known=None):
        """The standard deviation."""
        return jnp.broadcast_to(jnp.exp(self._bounded(eta.dtype)), eta.shape)

    def sample(self, key, eta, known=None):
        """Mean plus noise."""
        return eta + jnp.exp(self._bounded(eta.dtype)) * jax.random.normal(key, eta.shape, eta.dtype)

    def cdf(self, eta, y):
        """The normal one."""
        return ndtr((np.asarray(y, float) - np.asarray(eta, float)) / self._sd())

    def quantile(self, eta, p, known=None):
        """Mean plus the normal quantile."""
        return np.asarray(eta, float) + self._sd() * ndtri(p)

    def check(self, y):
        """Finite numbers."""
        finite(self, y)
