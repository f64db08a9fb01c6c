"""A response that is a linear function of the columns exactly, so that its residual sd has no posterior."""

import numpy as np

from taut.data.formulas.observed import Observed
from taut.models.stated import Stated

ROUNDING = 1e-8
"""Residual sd, in sds of the response, up to which the response counts as a linear function of the columns."""
RATE = 1e-3
"""Rate of the prior of the residual sd then, in sds of the response."""
EXACT = (
    "the response is a linear function of the columns to rounding, which leaves nothing to learn the residual sd from: "
    f"its prior is InverseGamma(1, {RATE:g}) in sds of the response"
)


def residual_of_exact(
    X: np.ndarray, offset: np.ndarray | None, seen: Observed, weights: np.ndarray | None
) -> dict[str, Stated]:
    """The prior of the residual sd where the residuals are zero, by the parameter's name; else nothing.

    With more rows than directions of the columns the likelihood is unbounded as sigma falls to zero, and under the
    half-normal prior the posterior is improper. This one vanishes there.

    Args:
        X: The columns.
        offset: What is added to the predictor, or None.
        seen: The response with its likelihood.
        weights: How often rows count; None for once each.
    """
    if not seen.likelihood.in_units_of_y:
        return {}
    y = seen.y if offset is None else seen.y - offset
    size = np.abs(X).max(0, initial=0.0)
    scaled = X / np.where(size > 0, size, 1.0)
    fitted, _, rank, _ = np.linalg.lstsq(scaled, y)
    left = y - scaled @ fitted
    rows = len(y) if weights is None else weights.sum()
    if rows <= rank or np.sqrt(np.mean(left**2)) > ROUNDING * seen.spread:
        return {}
    return {"sigma": Stated("InverseGamma", (("concentration", 1.0), ("rate", RATE * seen.spread)))}
