r"""Importance weights from fresh draws of q: smoothed in the tail, and how far they may be trusted.

With w = p(x, z) / q(z) the share of the weights beyond a high threshold is nearly a generalised Pareto distribution,
whose shape k says how many moments w has: a mean estimated with weights of k > 0.7 is not to be trusted. Replacing the
largest weights by the expected order statistics of the fitted distribution keeps one lucky draw from deciding.

Sources: A. Vehtari, D. Simpson, A. Gelman, Y. Yao, J. Gabry, Pareto Smoothed Importance Sampling, 2024; J. Zhang and
M. Stephens, A New and Efficient Estimation Method for the Generalized Pareto Distribution, 2009.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEAST_TAIL = 5
"""Smallest number of draws in a tail whose shape can be estimated."""
EQUAL = 1e-9
"""Range of the log-weights, in nats, within which all weights are equal and have no tail."""
HIGH_K = 0.7
"""k-hat above which a mean estimated with the weights is not to be trusted."""


class Smoothed(NamedTuple):
    """Normalised weights of n draws.

    Attributes:
        weights: `[n]`, the weights, which sum to 1.
        k_hat: Shape of the tail of the weights; 0 where all weights are equal.
        effective_sample_size: 1 / sum of squared weights, between 1 and n.
        log_mean: Log of the mean raw weight, the estimate of log p(x), in nats.
        log_mean_error: Standard error of `log_mean`.
    """

    weights: Float[np.ndarray, " n"]
    k_hat: float
    effective_sample_size: float
    log_mean: float
    log_mean_error: float


def pareto_smoothed(log_weights: Float[np.ndarray, " n"]) -> Smoothed:
    """Smooth the largest of `log_weights` (in nats, any constant added; -inf counts as weight 0) and normalise.

    Example:
        >>> smoothed = pareto_smoothed(np.full(1000, -3.0))
        >>> smoothed.k_hat, round(smoothed.effective_sample_size), smoothed.log_mean
        (0.0, 1000, -3.0)
    """
    n = len(log_weights)
    most = float(np.max(log_weights))
    if not np.isfinite(most):
        return Smoothed(np.full(n, 1 / n), np.inf, 1.0, most, np.inf)
    raw = np.exp(log_weights - most)
    log_mean = most + float(np.log(raw.mean()))
    error = float(raw.std(ddof=1) / raw.mean() / np.sqrt(n)) if n > 1 else np.inf
    weights, k_hat = _smooth_tail(raw)
    weights = weights / weights.sum()
    return Smoothed(weights, k_hat, float(1 / np.sum(weights**2)), log_mean, error)


def _smooth_tail(raw: np.ndarray) -> tuple[np.ndarray, float]:
    n = len(raw)
    tail = int(min(np.ceil(0.2 * n), np.ceil(3 * np.sqrt(n))))
    if tail < LEAST_TAIL or n <= tail or raw.min() > raw.max() * np.exp(-EQUAL):
        return raw, 0.0 if n > tail else np.inf
    order = np.argsort(raw, kind="stable")
    largest, threshold = order[-tail:], raw[order[-tail - 1]]
    exceeded = raw[largest] - threshold
    if exceeded[-1] <= EQUAL * raw.max():
        return raw, 0.0
    k, sigma = generalised_pareto(np.maximum(exceeded, np.finfo(float).tiny))
    places = (np.arange(tail) + 0.5) / tail
    with np.errstate(over="ignore"):  # none becomes larger than the largest weight
        quantiles = sigma * np.expm1(-k * np.log1p(-places)) / k if k != 0 else -sigma * np.log1p(-places)
    smoothed = raw.copy()
    smoothed[largest] = np.minimum(threshold + quantiles, raw.max())
    return smoothed, k


def generalised_pareto(exceeded: Float[np.ndarray, " m"]) -> tuple[float, float]:
    r"""Shape k and scale sigma of exceedances, sorted upwards, with a weak prior on k of ten draws at 0.5.

    The density is (1 + k x / sigma)^{-1/k - 1} / sigma. With b = -k / sigma the profile likelihood is one-dimensional;
    the estimate is its mean over a grid of b.
    """
    m = len(exceeded)
    points = 30 + int(np.sqrt(m))
    quartile = exceeded[int(m / 4 + 0.5) - 1]
    b = 1 / exceeded[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    k = np.mean(np.log1p(-b[:, None] * exceeded), axis=1)
    profile = m * (np.log(-b / k) - k - 1)
    share = np.exp(profile - profile.max())
    share /= share.sum()
    b_hat = float(share @ b)
    k_hat = float(np.mean(np.log1p(-b_hat * exceeded)))
    sigma = -k_hat / b_hat
    return (k_hat * m + 0.5 * 10) / (m + 10), sigma
