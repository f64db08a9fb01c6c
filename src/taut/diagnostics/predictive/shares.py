"""Shares of variance: what part of the variation on the scale of the predictor each group term makes (ICC)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from taut.diagnostics.predictive.replicated import over_draws
from taut.models.likelihoods import Likelihood


def variance_shares(
    likelihood: Likelihood, values: Mapping[str, Any], eta: np.ndarray, variances: np.ndarray
) -> np.ndarray | None:
    """Shares at each draw, `[S, k + 1]`, the last of which is that of the residual; None where that has no formula.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name.
        eta: `[S]`, the mean over rows of the predictor's fixed part, the offset included.
        variances: `[S, k]`, of each group term: its sd squared.

    Example:
        >>> from taut.models.likelihoods import Gaussian
        >>> variance_shares(Gaussian(), {"sigma": np.ones(1)}, np.zeros(1), np.ones((1, 1))).tolist()
        [[0.5, 0.5]]
    """
    variances = np.asarray(variances)
    total = variances.sum(1)
    residual = over_draws(likelihood, values, eta, lambda at, eta, spread: at.residual_variance(eta, spread), total)
    if residual is None:
        return None
    parts = np.column_stack([variances, np.asarray(residual)])
    return parts / parts.sum(1, keepdims=True)
