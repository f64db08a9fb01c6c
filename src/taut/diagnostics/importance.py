r"""Importance weights from fresh draws of q: smoothed in the tail, and how far they may be trusted.

With w = p(x, z) / q(z) the share of the weights beyond a high threshold is nearly a generalised Pareto distribution,
whose shape k says how many moments w has: a mean estimated with weights of k > 0.7 is not to be trusted. Replacing the
largest weights by the expected order statistics of the fitted distribution keeps one lucky draw from deciding.

Sources: A. Vehtari, D. Simpson, A. Gelman, Y. Yao, J. Gabry, Pareto Smoothed Importance Sampling, 2024; J. Zhang and
M. Stephens, A New and Efficient Estimation Method for the Generalized Pareto Distribution, 2009.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

LEAST_TAIL = 5
"""Smallest number of draws in a tail whose shape can be estimated."""
EQUAL = 1e-9
"""Range of the log-weights, in nats, within which all weights are equal and have no tail."""
HIGH_K = 0.7
"""k-hat above which a mean estimated with the weights is not to be trusted."""


class Smoothed(NamedTuple):
    """Normalised weights of n draws, for one set of draws or for B sets at once.

    Attributes:
        weights: `[n]` or `[B, n]`, the weights, which sum to 1.
        k_hat: Shape of the tail of the weights; 0 where all weights are equal. A number, or `[B]` as all that follow.
        effective_sample_size: 1 / sum of squared weights, between 1 and n.
        log_mean: Log of the mean raw weight, the estimate of log p(x), in nats.
        log_mean_error: Standard error of `log_mean`.
    """

    weights: Float[np.ndarray, "*B n"]
    k_hat: Any
    effective_sample_size: Any
    log_mean: Any
    log_mean_error: Any


def pareto_smoothed(log_weights: Float[np.ndarray, "*B n"]) -> Smoothed:
    """Smooth the largest of `log_weights` (in nats, any constant added; -inf counts as weight 0) and normalise.

    Args:
        log_weights: of the draws, `[n]`; or `[B, n]`, each row smoothed by itself.

    Example:
        >>> smoothed = pareto_smoothed(np.full(1000, -3.0))
        >>> smoothed.k_hat, round(smoothed.effective_sample_size), smoothed.log_mean
        (0.0, 1000, -3.0)
    """
    log_weights = np.asarray(log_weights)
    rows = np.atleast_2d(log_weights)
    n = rows.shape[1]
    most = rows.max(axis=1)
    known = np.isfinite(most)
    raw = np.where(known[:, None], np.exp(rows - np.where(known, most, 0.0)[:, None]), 1.0)
    mean = raw.mean(axis=1)
    log_mean = np.where(known, most + np.log(mean), most)
    error = raw.std(axis=1, ddof=1) / mean / np.sqrt(n) if n > 1 else np.full(len(rows), np.inf)
    weights, k_hat = _smooth_tails(raw)
    weights = weights / weights.sum(axis=1, keepdims=True)
    size = np.where(known, 1 / np.sum(weights**2, axis=1), 1.0)
    parts = np.where(known, k_hat, np.inf), size, log_mean, np.where(known, error, np.inf)
    if log_weights.ndim == 1:
        return Smoothed(weights[0], *(float(x[0]) for x in parts))
    return Smoothed(weights, *parts)


def _smooth_tails(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights `[B, n]` with their tails smoothed, and the tails' shapes `[B]`."""
    n = raw.shape[1]
    tail = int(min(np.ceil(0.2 * n), np.ceil(3 * np.sqrt(n))))
    if n <= tail:
        return raw, np.full(len(raw), np.inf)
    k_hat = np.zeros(len(raw))
    if tail < LEAST_TAIL:
        return raw, k_hat
    # The largest tail + 1 of each row, upwards: the least of them is the threshold.
    largest = np.argpartition(raw, n - tail - 1, axis=1)[:, n - tail - 1 :]
    order = np.take_along_axis(raw, largest, 1).argsort(axis=1, kind="stable")
    largest = np.take_along_axis(largest, order, 1)
    values = np.take_along_axis(raw, largest, 1)
    threshold, most = values[:, :1], values[:, -1]
    uneven = raw.min(axis=1) <= most * np.exp(-EQUAL)
    has_tail = np.flatnonzero(uneven & (most - threshold[:, 0] > EQUAL * most))
    if not len(has_tail):
        return raw, k_hat
    exceeded = np.maximum(values[has_tail, 1:] - threshold[has_tail], np.finfo(float).tiny)
    k, sigma = generalised_pareto(exceeded)
    beyond = -np.log1p(-(np.arange(tail) + 0.5) / tail)
    exponent = k[:, None] * beyond
    # sigma (exp(k x) - 1) / k, whose limit for k = 0 is sigma x; none becomes larger than the largest weight.
    with np.errstate(over="ignore"):
        growth = np.divide(np.expm1(exponent), exponent, out=np.ones_like(exponent), where=exponent != 0)
        quantiles = sigma[:, None] * beyond * growth
    smoothed = raw.copy()
    smoothed[has_tail[:, None], largest[has_tail, 1:]] = np.minimum(
        threshold[has_tail] + quantiles, most[has_tail, None]
    )
    k_hat[has_tail] = k
    return smoothed, k_hat


def generalised_pareto(exceeded: Float[np.ndarray, "*B m"]) -> tuple[np.ndarray, np.ndarray]:
    r"""Shape k and scale sigma of exceedances, sorted upwards, with a weak prior on k of ten draws at 0.5.

    The density is (1 + k x / sigma)^{-1/k - 1} / sigma. With b = -k / sigma the profile likelihood is one-dimensional;
    the estimate is its mean over a grid of b.

    Args:
        exceeded: `[m]`, or `[B, m]` for B sets at once.
    """
    m = exceeded.shape[-1]
    points = 30 + int(np.sqrt(m))
    quartile = exceeded[..., int(m / 4 + 0.5) - 1, None]
    spread = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = 1 / exceeded[..., -1:] + spread / (3 * quartile)
    k = np.empty_like(b)
    for at in range(points):  # one at a time: all at once are B x points x m numbers
        k[..., at] = np.mean(np.log1p(-b[..., at, None] * exceeded), axis=-1)
    profile = m * (np.log(-b / k) - k - 1)
    share = np.exp(profile - profile.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    b_hat = np.sum(share * b, axis=-1)
    k_hat = np.mean(np.log1p(-b_hat[..., None] * exceeded), axis=-1)
    sigma = -k_hat / b_hat
    return (k_hat * m + 0.5 * 10) / (m + 10), sigma
