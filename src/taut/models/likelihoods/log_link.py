"""Likelihoods whose mean is the exponential of the predictor, times a constant."""

from typing import ClassVar

import jax.numpy as jnp

from taut.models.likelihoods.base import Likelihood


class LogLink(Likelihood):
    """Effects are ratios. Expectations hold e^(m + v/2): finite below 700, in single precision below 88."""

    scale: ClassVar[str] = "log mean"
    link: ClassVar[str] = "log"
    ratio: ClassVar[str] = "ratio of means"
    target: ClassVar[str | None] = "numbers"

    def response(self, m, v, known=None):
        """The mean is log-normal."""
        mean = self.mean(m + v / 2, known)
        return mean, mean * jnp.sqrt(jnp.expm1(v))

    def residual_variance(self, eta, spread):
        """log(1 + (sd / mean)^2) at the mean over the spread."""
        at = eta + spread / 2
        return jnp.log1p((self.sd(at) / self.mean(at)) ** 2)

    def predictors(self, output):
        """Bounded, since no decoder knows better at its start: e^20 is more than any mean, and finite."""
        return 20 * jnp.tanh(output / 20)
