r"""Randomised quantile residuals: normal where the model is right, whatever the likelihood.

A residual is the normal quantile of P(Y <= y_i given the other rows): averaged over draws with the weights of
leave-one-out, since a row that draws its own effects to itself looks nearer to them than it is. Where Y jumps at y_i a
uniform point of the jump is taken, and where an observation is censored a uniform point above.

Sources: P. K. Dunn and G. K. Smyth, Randomized Quantile Residuals, 1996; A. Gelfand, D. Dey and H. Chang, Model
Determination Using Predictive Distributions, 1992 (of rows left out).
"""

import jax
import numpy as np
from scipy.special import betaincinv, kolmogorov, ndtr, ndtri

from taut.diagnostics.importance import pareto_smoothed
from taut.diagnostics.predictive.check import LEVEL, Check
from taut.diagnostics.predictive.left_out import TOGETHER
from taut.diagnostics.predictive.replicated import Replicated, over_draws

AT = np.linspace(0.05, 0.95, 19)
WRONG = 0.01
"""Probability of so large a distance to the normal distribution at which it is said."""


def quantile_residuals(data: Replicated) -> np.ndarray:
    """`[n]`, in standard deviations."""
    low, high = (np.zeros(len(data.observed)) for _ in range(2))
    for likelihood, eta, weights in zip(data.draws, data.eta, _left_out_weights(data), strict=True):
        ends = likelihood.cdf_around(eta, data.y)
        low, high = low + weights * ends[0], high + weights * ends[1]
    uniform = np.random.default_rng(data.seed).random(len(low))
    return ndtri(np.clip(low + uniform * (high - low), 1e-15, 1 - 1e-15))


def _left_out_weights(data: Replicated) -> np.ndarray:
    """`[S, n]`, the weight of each draw where a row is left out: one over its likelihood, smoothed."""
    y = jax.tree.map(np.asarray, data.y)
    log_p = np.asarray(over_draws(data.likelihood, data.values, data.eta, lambda at, eta: at.log_prob(eta, y)), float)
    rows = range(0, log_p.shape[1], TOGETHER)
    return np.vstack([pareto_smoothed(-log_p[:, at : at + TOGETHER].T).weights for at in rows]).T


def normal_p_value(values: np.ndarray) -> float:
    """The p value of Kolmogorov's test of a standard normal distribution, by its limit for many values.

    Source: M. A. Stephens, Use of the Kolmogorov-Smirnov, Cramer-von Mises and Related Statistics Without Extensive
    Tables, 1970 (the correction for few).
    """
    n, below = len(values), ndtr(np.sort(values))
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - below), np.max(below - steps[:-1]))
    return float(kolmogorov((np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)) * distance))


def residuals(data: Replicated) -> Check:
    """Their quantiles against those of the normal distribution."""
    found = quantile_residuals(data)
    n = len(found)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    # The share of points below a quantile of n independent ones.
    lower, upper = (ndtri(betaincinv(np.maximum(AT * n, 0.5), np.maximum((1 - AT) * n, 0.5), end)) for end in ends)
    p = normal_p_value(found)
    text = (
        f"The quantile residuals are not normal (p = {p:.2g}): their standard deviation is {found.std():.2f} in place "
        f"of 1 and their mean {found.mean():.2f}."
        if p < WRONG
        else f"The quantile residuals agree with a normal distribution (p = {p:.2g})."
    )
    more = {"residuals": found, "p_value": np.array(p)}
    return Check("residuals", AT, np.quantile(found, AT), ndtri(AT), lower, upper, text, more)
