"""Average marginal effects: by how much E[y] changes with a column, averaged over the rows."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from taut.diagnostics.predictive.replicated import over_draws
from taut.models.likelihoods import Likelihood

OF_LEVELS = ("any labels", "ordered labels")
"""Targets of which a change is that of the probability of each level."""


def average_slope(likelihood: Likelihood, values: Mapping[str, Any], eta: Any, slope: Any, weights: Any = None) -> Any:
    """Of a numeric column x, at each draw: the mean over rows of d E[y] / dx, `[S]`, or `[S, K]` for K levels.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name.
        eta: `[S, n]`, predictors, with a last axis where the likelihood has several.
        slope: as eta, d eta / dx in the unit in which x is given.
        weights: `[n]`, of the rows; none for equal ones.
    """
    slope = np.broadcast_to(slope, np.shape(eta)).astype(np.asarray(eta).dtype)
    return _average(over_draws(likelihood, values, eta, _along, slope), weights)


def average_response(likelihood: Likelihood, values: Mapping[str, Any], eta: Any, weights: Any = None) -> Any:
    """The mean of E[y] over rows at each draw, `[S]`, or that of the probability of each of K levels, `[S, K]`.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name.
        eta: `[S, n]`, predictors, with a last axis where the likelihood has several.
        weights: `[n]`, of the rows; none for equal ones.
    """
    return _average(over_draws(likelihood, values, eta, _response), weights)


def _response(at: Any, eta: Any) -> Any:
    """The expectation of y, of one trial where there are trials; the probability of each level where y is a level."""
    return at.probabilities(eta) if at.target in OF_LEVELS else at.mean(eta)


def _along(at: Any, eta: Any, slope: Any) -> Any:
    return jax.jvp(lambda x: _response(at, x), (eta,), (slope,))[1]


def _average(rows: Any, weights: Any) -> np.ndarray:
    return np.average(np.asarray(rows), axis=1, weights=weights)
