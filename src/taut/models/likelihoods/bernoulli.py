"""Zeros and ones."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit

from taut.models.expectations import logistic_expectations
from taut.models.likelihoods.base import LOGISTIC_VARIANCE, Likelihood, Moments
from taut.models.likelihoods.checks import refuse


class Bernoulli(Likelihood):
    """0/1 elements of logit eta: y eta - softplus(eta). It takes logits, so that nothing has to be clipped.

    Example:
        >>> round(float(Bernoulli().log_prob(jnp.zeros(1), jnp.array([1.0]))[0]), 4)
        -0.6931
    """

    name: ClassVar[str] = "bernoulli"
    scale: ClassVar[str] = "log-odds"
    link: ClassVar[str] = "logit"
    ratio: ClassVar[str] = "odds ratio"
    target: ClassVar[str | None] = "labels"
    wants: ClassVar[str] = "zeros and ones"
    latent_variance: ClassVar[float | None] = LOGISTIC_VARIANCE
    discrete: ClassVar[bool] = True
    log_concave: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("calibration", "statistics")
    examples: ClassVar[bool] = True

    def log_prob(self, eta, y):
        """Y eta - softplus(eta), in nats."""
        return y * eta - jax.nn.softplus(eta)

    def moments(self, m, v, y):
        """Closed, to 1e-8."""
        softplus, p, slope = logistic_expectations(m, v)
        return Moments(y * m - softplus, y - p, slope)

    def response(self, m, v, known=None):
        """E p, and Var p = E p - E sigmoid' - (E p)^2, since sigmoid' = p (1 - p)."""
        _, p, slope = logistic_expectations(m, v)
        return p, jnp.sqrt(jnp.maximum(p - slope - p**2, 0.0))

    def mean(self, eta, known=None):
        """The probability of 1."""
        return jax.nn.sigmoid(eta)

    def sd(self, eta, known=None):
        """The root of p (1 - p)."""
        return jnp.sqrt(jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta))

    def sample(self, key, eta, known=None):
        """Zeros and ones."""
        return jax.random.bernoulli(key, jax.nn.sigmoid(eta)).astype(eta.dtype)

    def cdf(self, eta, y):
        """0 below 0, the probability of 0 from there on, 1 from 1 on."""
        y, eta = np.asarray(y, float), np.asarray(eta, float)
        return np.where(y < 0, 0.0, np.where(y < 1, expit(-eta), 1.0))

    def quantile(self, eta, p, known=None):
        """1 where p is above the probability of 0."""
        return np.where(np.asarray(p, float) > expit(-np.asarray(eta, float)), 1.0, 0.0)

    def check(self, y):
        """Only 0 and 1: on grey values this is no normalised likelihood."""
        y = np.asarray(y)
        refuse(
            self,
            y,
            (y != 0) & (y != 1),
            "Group the labels of a table into two. Binarise images (fixed, dynamic or threshold), use "
            "likelihood='continuous-bernoulli' for values in [0, 1], or likelihood='relaxed' to use the Bernoulli "
            "formula on grey values knowingly (it is not a density then).",
        )
