"""Successes among trials."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from scipy.special import betainc, expit

from taut.models.likelihoods.base import LOGISTIC_VARIANCE, Likelihood, Moments
from taut.models.likelihoods.bernoulli import Bernoulli
from taut.models.likelihoods.checks import refuse, whole
from taut.models.likelihoods.quadrature import softplus_averages
from taut.models.likelihoods.whole_numbers import smallest


def _log_ways(successes, trials):
    return gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)


class Binomial(Likelihood):
    """Successes among trials of logit eta; y is the pair (successes, trials).

    Its expectation is by quadrature: that of `Bernoulli` is good to 1e-8 a trial, which is not enough where thousands
    of trials have hardly a success.

    `mean`, `sd` and `sample` are of the number of successes, of one trial where the number of trials is not given.

    Example:
        >>> round(float(Binomial().log_prob(jnp.zeros(1), (jnp.ones(1), 2 * jnp.ones(1)))[0]), 4)
        -0.6931
    """

    name: ClassVar[str] = "binomial"
    scale: ClassVar[str] = "log-odds"
    link: ClassVar[str] = "logit"
    ratio: ClassVar[str] = "odds ratio"
    target: ClassVar[str | None] = "numbers"
    parts: ClassVar[tuple[str, ...]] = ("successes", "trials")
    latent_variance: ClassVar[float | None] = LOGISTIC_VARIANCE
    discrete: ClassVar[bool] = True
    log_concave: ClassVar[bool] = True
    checks: ClassVar[tuple[str, ...]] = ("calibration", "residuals", "statistics")
    wants: ClassVar[str] = "whole numbers of successes from 0 to the number of trials"

    def log_prob(self, eta, y):
        """s eta - n softplus(eta) + log(n over s), in nats."""
        successes, trials = y
        return successes * eta - trials * jax.nn.softplus(eta) + _log_ways(successes, trials)

    def moments(self, m, v, y):
        """By quadrature."""
        successes, trials = y
        softplus, p, slope = softplus_averages(m, v)
        value = successes * m - trials * softplus + _log_ways(successes, trials)
        return Moments(value, successes - trials * p, trials * slope)

    def known(self, y):
        """The trials."""
        return y[1]

    def observed(self, drawn, known=None):
        """The successes with their trials."""
        return drawn, jnp.ones_like(drawn) if known is None else known

    def mean(self, eta, known=None):
        """The trials times the probability."""
        return jax.nn.sigmoid(eta) * (1.0 if known is None else known)

    def sd(self, eta, known=None):
        """The root of n p (1 - p)."""
        return jnp.sqrt(jax.nn.sigmoid(eta) * jax.nn.sigmoid(-eta) * (1.0 if known is None else known))

    def response(self, m, v, known=None):
        """The trials times those of the probability."""
        trials = 1.0 if known is None else known
        mean, sd = Bernoulli().response(m, v)
        return trials * mean, trials * sd

    def sample(self, key, eta, known=None):
        """Numbers of successes."""
        trials = jnp.ones_like(eta) if known is None else jnp.asarray(known, eta.dtype)
        return jax.random.binomial(key, trials, jax.nn.sigmoid(eta), dtype=eta.dtype)

    def cdf(self, eta, y):
        """An incomplete beta function."""
        successes, trials = (np.asarray(part, float) for part in y)
        k, eta = np.floor(successes), np.asarray(eta, float)
        inside = (k >= 0) & (k < trials)
        at = np.where(inside, k, 0.0)
        left = np.where(inside, trials - at, 1.0)
        return np.where(inside, betainc(left, at + 1, expit(-eta)), np.where(k < 0, 0.0, 1.0))

    def quantile(self, eta, p, known=None):
        """A number of successes."""
        trials = np.ones(np.shape(eta)) if known is None else np.asarray(known, float)
        return smallest(lambda k: self.cdf(eta, (k, trials)), p, trials)

    def check(self, y):
        """Whole numbers, and no more successes than trials."""
        successes, trials = (np.asarray(part) for part in y)
        whole(self, trials, np.inf, "These are the trials: give the number of times that was tried in each row.")
        whole(self, successes, np.inf, "These are the successes: give counts, not proportions.")
        refuse(self, trials, trials == 0, "There nothing was tried: leave such rows out.")
        more = successes > trials
        refuse(self, successes, more, "There the trials are fewer than the successes: are the two columns exchanged?")
