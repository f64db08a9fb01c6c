"""Values between 0 and 1 under a normalised Bernoulli formula."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from taut.models.likelihoods.base import Likelihood
from taut.models.likelihoods.checks import within


class ContinuousBernoulli(Likelihood):
    """The Bernoulli formula normalised over [0, 1].

    log C(l) = log(2 artanh(1 - 2p) / (1 - 2p)) = log(l / tanh(l/2)) for p = sigmoid(l), with the
    Taylor series log 2 + l^2/12 near l = 0.

    Source: G. Loaiza-Ganem and J. Cunningham, The Continuous Bernoulli: Fixing a Pervasive Error in Variational
    Autoencoders, 2019.

    Example:
        >>> round(float(ContinuousBernoulli().log_prob(jnp.zeros(1), jnp.array([0.3]))[0]), 6)
        0.0
    """

    name: ClassVar[str] = "continuous-bernoulli"
    scale: ClassVar[str] = "log-odds"
    wants: ClassVar[str] = "values from 0 to 1"
    examples: ClassVar[bool] = True

    def log_prob(self, eta, y):
        """The Bernoulli formula plus the log-normaliser."""
        near = jnp.abs(eta) < 0.1
        far = jnp.where(near, 1.0, jnp.abs(eta))
        exact = jnp.log(far) - jnp.log(jnp.tanh(far / 2))
        series = float(np.log(2)) + eta**2 / 12 - 7 * eta**4 / 1440
        return y * eta - jax.nn.softplus(eta) + jnp.where(near, series, exact)

    def mean(self, eta, known=None):
        """1/(1 - e^-l) - 1/l, near 0 by its series 1/2 + l/12."""
        near = jnp.abs(eta) < 0.1
        far = jnp.where(near, 1.0, eta)
        return jnp.where(near, 0.5 + eta / 12 - eta**3 / 720, -1 / jnp.expm1(-far) - 1 / far)

    def sd(self, eta, known=None):
        """The root of 1/l^2 - 1/(2 sinh(l/2))^2, near 0 by its series 1/12 - l^2/240."""
        near = jnp.abs(eta) < 0.1
        far = jnp.where(near, 1.0, jnp.clip(eta, -80.0, 80.0))
        return jnp.sqrt(jnp.where(near, 1 / 12 - eta**2 / 240, 1 / far**2 - 0.25 / jnp.sinh(far / 2) ** 2))

    def sample(self, key, eta, known=None):
        """By the inverse of the distribution function: log(1 + u (e^l - 1)) / l."""
        u = jax.random.uniform(key, eta.shape, eta.dtype)
        near = jnp.abs(eta) < 0.01
        far = jnp.where(near, 1.0, jnp.clip(eta, -80.0, 80.0))
        return jnp.where(near, u + eta * u * (1 - u) / 2 * -1, jnp.log1p(u * jnp.expm1(far)) / far)

    def check(self, y):
        """Values in [0, 1]."""
        within(self, y, 0.0, 1.0, "Scale them (images of 0 to 255: divide by 255).")
