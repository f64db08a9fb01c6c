"""Quantiles of a new response over a posterior: of a mixture of the likelihood's distributions, not sampled."""

from typing import Any

import numpy as np
from jaxtyping import Float

from taut.models.likelihoods import Likelihood
from taut.models.likelihoods.whole_numbers import smallest

STRATA = 300
"""Draws of a row that stand for all, in equal steps of the rank of its predictor: the mass below a quantile is then as
near to the right one as with one new response for each of 4,000 draws, or nearer."""
HALVINGS = 30
"""Halvings of the interval between the smallest and the largest quantile of the parts: to 1e-9 of its width."""


def mixture_quantiles(
    likelihood: Likelihood,
    values: dict[str, np.ndarray],
    eta: Float[np.ndarray, "S n"],
    weights: Float[np.ndarray, " S"],
    known: Any,
    ends: tuple[float, ...],
) -> list[Float[np.ndarray, " n"]]:
    """Quantiles of y for each row, one array for each of `ends`.

    Args:
        likelihood: p(y given eta), of a number that grows with one predictor.
        values: its parameters at each draw, `[S]` by name.
        eta: predictors.
        weights: of the draws; they sum to 1.
        known: what is known of y beforehand, `[n]`, such as trials.
        ends: probabilities.

    Example:
        >>> from taut.models.likelihoods import Gaussian
        >>> rng = np.random.default_rng(0)
        >>> eta, one = rng.normal(size=(4000, 1)), np.ones(4000)
        >>> round(float(mixture_quantiles(Gaussian(), {"sigma": one}, eta, one / 4000, None, (0.975,))[0][0]), 1)
        2.8
    """
    chosen = _strata(eta, weights)
    at = np.take_along_axis(eta, chosen, 0)
    parts = likelihood.with_parameters({name: np.asarray(v)[chosen] for name, v in values.items()})

    def cdf(y: np.ndarray) -> np.ndarray:
        return parts.cdf(at, parts.observed(y, known)).mean(0)

    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if likelihood.discrete:
            most = np.inf if "trials" not in likelihood.parts else 1.0 if known is None else np.asarray(known, float)
            return [smallest(cdf, np.full(at.shape[1], p), most) for p in ends]
        return [_halved(cdf, parts.quantile(at, p, known), p) for p in ends]


def _strata(eta: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Draws of each row at equal steps of their weights, by the size of the predictor, `[M, n]`."""
    order, steps = np.argsort(eta, axis=0), (np.arange(STRATA) + 0.5) / STRATA
    if np.ptp(weights) == 0:
        return order[(steps * len(eta)).astype(int)]
    reached = np.cumsum(weights[order], axis=0)
    places = np.stack([np.searchsorted(column, steps * column[-1]) for column in reached.T], 1)
    return np.take_along_axis(order, np.minimum(places, len(eta) - 1), 0)


def _halved(cdf: Any, quantiles: np.ndarray, p: float) -> np.ndarray:
    """Where a continuous mixture reaches p, between the quantiles of its parts."""
    low, high = quantiles.min(0), quantiles.max(0)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = cdf(middle) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)
