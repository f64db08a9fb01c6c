"""Quantiles of the data against those of replicated data: for amounts and other continuous numbers."""

import numpy as np

from taut.diagnostics.predictive.check import Check, band, many_outside
from taut.diagnostics.predictive.replicated import Replicated

AT = np.linspace(0.05, 0.95, 19)
KEPT = 20
"""Replicated data sets that are kept for densities to be drawn of."""


def quantiles(data: Replicated) -> Check:
    """The nineteen twentieths."""
    observed = np.quantile(data.observed, AT)
    mean, lower, upper = band(np.quantile(data.rows, AT, axis=1).T)
    check = Check("quantiles", AT, observed, mean, lower, upper, "")
    outside = check.outside
    if many_outside(outside):
        worst = int(np.argmax(np.abs(observed - mean) / (upper - lower)))
        text = (
            f"{int(outside.sum())} of {len(AT)} quantiles lie outside their 90 % band: that of {AT[worst]:.0%} is "
            f"{observed[worst]:.3g} and {mean[worst]:.3g} is predicted."
        )
    else:
        text = "The quantiles are as predicted."
    return Check("quantiles", AT, observed, mean, lower, upper, text, {"replicated": data.rows[:KEPT]})
