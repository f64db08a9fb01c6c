"""Taut as its README uses it: one call, everything left to it but the family."""

from typing import Any

import numpy as np
from clock import serve

import taut


def fitter(X, y, family):
    """Standardisation, checks of the data and the final ELBO are inside the call, and so on its clock."""
    # Loaded here, the table library too: `import taut` alone loads nothing, and imports are on nobody's first call.
    fit, model, _ = taut.fit, taut.models.LogisticRegression(), taut.data.prepare

    def call():
        q: Any = fit(model, (X, y), family=family).posterior
        if family == "mean-field":
            return np.asarray(q.mean), np.exp(np.asarray(q.log_sd))
        return np.asarray(q.mean), np.tril(np.asarray(q.lower), -1) + np.diag(np.exp(np.asarray(q.log_diagonal)))

    return call


if __name__ == "__main__":
    serve(fitter)
