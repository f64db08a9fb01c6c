"""Counts that vary more than Poisson's."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from scipy.special import betainc

from taut.errors import ArgumentError
from taut.models.likelihoods.base import Moments
from taut.models.likelihoods.checks import whole
from taut.models.likelihoods.gamma_functions import log_rising
from taut.models.likelihoods.log_link import LogLink
from taut.models.likelihoods.parameter import Parameter
from taut.models.likelihoods.poisson import COUNTS, drawn_counts
from taut.models.likelihoods.quadrature import softplus_averages
from taut.models.likelihoods.whole_numbers import smallest


class NegativeBinomial(LogLink):
    """Counts of mean mu = e^eta and variance mu + mu^2 / phi (the form called NB2).

    Attributes:
        log_phi: logarithm of phi; Poisson's likelihood is approached as it grows.

    Example:
        >>> round(float(NegativeBinomial(phi=1.0).log_prob(jnp.zeros(1), jnp.zeros(1))[0]), 4)  # geometric: log 1/2
        -0.6931
    """

    name: ClassVar[str] = "negative-binomial"
    discrete: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("bars", "residuals", "statistics")
    ratio: ClassVar[str] = "rate ratio"
    wants: ClassVar[str] = "whole numbers from 0 on"
    log_phi: Any

    def __init__(self, phi: float = 10.0):
        if not (np.isfinite(phi) and phi > 0):
            raise ArgumentError(f"NegativeBinomial(phi={phi!r}): a positive, finite number is needed.")
        self.log_phi = float(np.log(phi))

    def parameters(self, spread=1.0):
        """Phi, of which a small one is much overdispersion."""
        from numpyro.distributions import Gamma

        return (Parameter("phi", "log_phi", Gamma(2.0, 0.1)),)

    def log_prob(self, eta, y):
        """y eta - (y + phi) softplus(eta - log phi), plus log Gamma(y + phi) / (Gamma(phi) phi^y y!), in nats."""
        log_phi = jnp.asarray(self.log_phi, eta.dtype)
        phi = jnp.exp(log_phi)
        return y * eta - (y + phi) * jax.nn.softplus(eta - log_phi) + log_rising(phi, y) - gammaln(y + 1)

    def moments(self, m, v, y):
        """By quadrature, since softplus is multiplied by phi."""
        log_phi = jnp.asarray(self.log_phi, m.dtype)
        phi = jnp.exp(log_phi)
        softplus, p, slope = softplus_averages(m - log_phi, v)
        value = y * m - (y + phi) * softplus + log_rising(phi, y) - gammaln(y + 1)
        return Moments(value, y - (y + phi) * p, (y + phi) * slope)

    def mean(self, eta, known=None):
        """E^eta."""
        return jnp.exp(eta)

    def sd(self, eta, known=None):
        """The root of mu + mu^2 / phi."""
        mu = jnp.exp(eta)
        return jnp.sqrt(mu * (1 + mu * jnp.exp(-jnp.asarray(self.log_phi, eta.dtype))))

    def sample(self, key, eta, known=None):
        """Counts of a rate that is drawn from a gamma distribution."""
        of_rate, of_count = jax.random.split(key)
        log_phi = jnp.asarray(self.log_phi, eta.dtype)
        rate = jnp.exp(jax.random.loggamma(of_rate, jnp.exp(log_phi), eta.shape, eta.dtype) + eta - log_phi)
        return drawn_counts(of_count, rate)

    def cdf(self, eta, y):
        """An incomplete beta function."""
        k, phi = np.floor(np.asarray(y, float)), np.exp(np.asarray(self.log_phi, float))
        with np.errstate(over="ignore"):  # of an infinite mean no count is reached
            mu = np.exp(np.asarray(eta, float))
        return np.where(k < 0, 0.0, betainc(phi, np.maximum(k, 0) + 1, phi / (phi + mu)))

    def quantile(self, eta, p, known=None):
        """A count."""
        return smallest(lambda k: self.cdf(eta, k), p)

    def check(self, y):
        """Whole numbers from 0 on."""
        whole(self, y, np.inf, COUNTS)
