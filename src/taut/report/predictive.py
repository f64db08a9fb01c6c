"""Predictive probabilities of design rows, with one compilation whatever the number of rows."""

from typing import Any

import equinox as eqx
import numpy as np

from taut.core import precision

BLOCK = 1024
"""Rows at a time: the last block is padded, so that every call has this shape."""


@eqx.filter_jit
def _predict(model: Any, q: Any, X: Any):
    prediction = model.predict(q, X)
    return prediction.probability, prediction.sd


def probabilities(fit: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(y = 1|x) and its posterior standard deviation for each row.

    Args:
        fit: a fitted regression.
        X: `[n, D]`, rows of the design matrix.

    Returns:
        Two arrays `[n]`.
    """
    rows = len(X)
    padded = np.zeros((-(-rows // BLOCK) * BLOCK, X.shape[1]), fit.dtype)
    padded[:rows] = X
    with precision.context(fit.dtype):
        blocks = [_predict(fit.model, fit.posterior, padded[at : at + BLOCK]) for at in range(0, len(padded), BLOCK)]
    p, sd = (np.concatenate([np.asarray(block[part]) for block in blocks])[:rows] for part in (0, 1))
    return p, sd
