"""Predicted probabilities against observed shares: for successes, with trials or without."""

import numpy as np

from taut.diagnostics.predictive.check import Check, band, many_outside
from taut.diagnostics.predictive.replicated import Replicated

BINS = 10
LEAST = 5
"""Rows of a bin."""


def calibration(data: Replicated) -> Check:
    """Rows in order of their predicted probability, in bins of as many rows."""
    observed = data.observed
    known = data.likelihood.known(data.y)
    trials = np.ones_like(observed) if known is None else np.asarray(known, float)
    predicted = data.expected() / np.maximum(trials, 1)
    count = int(np.clip(len(observed) // LEAST, 1, BINS))
    parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), count) if trials[part].sum() > 0]
    total = np.array([trials[part].sum() for part in parts])

    def share(y):
        return np.stack([y[..., part].sum(-1) for part in parts], -1) / total

    at = np.array([(predicted * trials)[part].sum() for part in parts]) / total
    mean, lower, upper = band(share(data.rows))
    check = Check("calibration", at, share(observed), mean, lower, upper, "")
    outside = int(check.outside.sum())
    text = (
        f"The predicted probabilities are not the observed shares: {outside} of {len(parts)} bins lie outside "
        "their 90 % band."
        if many_outside(check.outside)
        else "The predicted probabilities agree with the observed shares."
    )
    return Check("calibration", at, share(observed), mean, lower, upper, text, {"trials": total})
