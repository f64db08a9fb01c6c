r"""Randomised quantile residuals: normal where the model is right, whatever the likelihood.

A residual is the normal quantile of P(Y <= y_i), averaged over draws; where Y jumps at y_i a uniform point of the jump
is taken, and where an observation is censored a uniform point above.

Source: P. K. Dunn and G. K. Smyth, Randomized Quantile Residuals, 1996.
"""

import numpy as np
from scipy.special import ndtri

from taut.diagnostics.predictive.check import LEVEL, Check
from taut.diagnostics.predictive.replicated import Replicated

AT = np.linspace(0.05, 0.95, 19)
WRONG = 0.01
"""Probability of so large a distance to the normal distribution at which it is said."""


def quantile_residuals(data: Replicated) -> np.ndarray:
    """`[n]`, in standard deviations."""
    low, high = (np.zeros(len(data.observed)) for _ in range(2))
    for likelihood, eta in zip(data.draws, data.eta, strict=True):
        ends = likelihood.cdf_around(eta, data.y)
        low, high = low + ends[0] / len(data.eta), high + ends[1] / len(data.eta)
    uniform = np.random.default_rng(data.seed).random(len(low))
    return ndtri(np.clip(low + uniform * (high - low), 1e-15, 1 - 1e-15))


def residuals(data: Replicated) -> Check:
    """Their quantiles against those of the normal distribution."""
    from scipy.stats import beta, kstest  # loaded by the first check

    found = quantile_residuals(data)
    n = len(found)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    # The share of points below a quantile of n independent ones.
    lower, upper = (ndtri(beta.ppf(end, np.maximum(AT * n, 0.5), np.maximum((1 - AT) * n, 0.5))) for end in ends)
    p = float(kstest(found, "norm").pvalue)
    text = (
        f"The quantile residuals are not normal (p = {p:.2g}): their standard deviation is {found.std():.2f} in place "
        f"of 1 and their mean {found.mean():.2f}."
        if p < WRONG
        else f"The quantile residuals agree with a normal distribution (p = {p:.2g})."
    )
    more = {"residuals": found, "p_value": np.array(p)}
    return Check("residuals", AT, np.quantile(found, AT), ndtri(AT), lower, upper, text, more)
