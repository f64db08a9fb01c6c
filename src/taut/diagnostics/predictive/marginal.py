"""Average marginal effects: by how much E[y] changes with a column, averaged over the rows."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from taut.diagnostics.predictive.replicated import over_draws
from taut.models.likelihoods import Likelihood


def average_slope(
    likelihood: Likelihood, values: Mapping[str, Any], eta: Any, slope: Any, known: Any = None, weights: Any = None
) -> np.ndarray:
    """Of a numeric column x, at each draw `[S]`: the mean over rows of d E[y] / dx.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name.
        eta: `[S, n]`, predictors.
        slope: `[S, n]` or `[S, 1]`, d eta / dx in the unit in which x is given: the coefficient over the column's sd.
        known: what is known of y before it is seen, such as trials.
        weights: `[n]`, of the rows; none for equal ones.
    """

    def along(at, eta, slope):
        return jax.jvp(lambda x: at.mean(x, known), (eta,), (slope,))[1]

    slope = np.broadcast_to(slope, np.shape(eta)).astype(np.asarray(eta).dtype)
    return np.average(np.asarray(over_draws(likelihood, values, eta, along, slope)), axis=1, weights=weights)


def average_difference(
    likelihood: Likelihood,
    values: Mapping[str, Any],
    with_it: Any,
    without: Any,
    known: Any = None,
    weights: Any = None,
) -> np.ndarray:
    """Of an indicator, at each draw `[S]`: the mean over rows of E[y] with it less E[y] without.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name.
        with_it: `[S, n]`, the predictors of the rows with it.
        without: `[S, n]`, those of the same rows without.
        known: what is known of y before it is seen, such as trials.
        weights: `[n]`, of the rows; none for equal ones.
    """

    def mean(at, eta):
        return at.mean(eta, known)

    one, other = (np.asarray(over_draws(likelihood, values, eta, mean)) for eta in (with_it, without))
    return np.average(one - other, axis=1, weights=weights)
