r"""How well a regression tells two labels apart, on the rows that it was fitted to and on each row left out of the fit.

Nothing is fitted again: draws z of the answer, weighted by 1 / p(y_i|z), are draws of the posterior without row i, so
that

.. math:: P(y_i = 1 \mid \text{other rows}) = \sum_s w_{is}\, P(y = 1|z_s), \qquad w_{is} \propto 1 / p(y_i|z_s)

with the largest weights smoothed. The k-hat of each row says whether its weights can be relied on.

Source: A. Vehtari, A. Gelman and J. Gabry, Practical Bayesian Model Evaluation Using Leave-One-Out Cross-Validation and
WAIC, 2017.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.diagnostics.importance import HIGH_K, pareto_smoothed
from taut.errors import SavedFitError
from taut.results.regression import RegressionFit

MOST_ROWS = 1000
"""Rows that are scored, drawn at random: of more a page would take seconds."""
DRAWS = 1000
"""Draws of the answer, whose weights are smoothed for each row."""
MEASURES = ("log loss", "Brier score", "AUC", "accuracy")
SMALLEST = np.finfo(float).eps
"""Smallest probability of a label in the log loss."""
SHAPES = ((len(MEASURES),), (len(MEASURES),), (3,))
"""Shapes of the fields."""
PREFIX = "scores."
"""What their names begin with among the arrays of a saved fit."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """The four measures, see `MEASURES`, in both ways.

    Attributes:
        fitted: `[4]`, of the probabilities that the fit predicts for its own rows; NaN for one that is not defined.
        left_out: `[4]`, of the probabilities without the row itself, on the same rows.
        counts: `[3]`, numbers of rows scored, of rows of the fit, and of those scored whose k-hat is above 0.7.
    """

    fitted: np.ndarray
    left_out: np.ndarray
    counts: np.ndarray

    @classmethod
    def gather(
        cls, fit: RegressionFit, matrix: Float[np.ndarray, "n D"], y: Float[np.ndarray, " n"]
    ) -> "Scores | None":
        """Score a fit on its own rows; None where it predicts nothing that is finite.

        Args:
            fit: The fit of a regression that predicts probabilities.
            matrix: Rows of its design matrix.
            y: Their labels, 0 or 1.
        """
        weights = _row_weights(fit, len(y))
        seen = np.random.default_rng(fit.seed).permutation(len(y))[:MOST_ROWS]
        matrix, y, weights = matrix[seen], y[seen], weights[seen]
        plain = fit.predict_matrix(matrix).probability
        z = fit.draws_of_answer(DRAWS, fit.seed)[0]
        if not (np.isfinite(plain).all() and np.isfinite(z).all()):
            return None
        without, k_hat = left_out(fit, z, matrix, y, weights)
        counts = np.array([len(y), fit.rows, np.sum(k_hat > HIGH_K)])
        return cls(measures(y, plain, weights), measures(y, without, weights), counts)

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for an `.npz` file."""
        return {PREFIX + field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Scores | None":
        """Those whose `arrays()` were saved; None where there are none of them, as in a fit of version 0.1.0.

        Raises:
            SavedFitError: one of them has another shape.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not all(PREFIX + name in arrays for name in names):
            return None
        for name, shape in zip(names, SHAPES, strict=True):
            if arrays[PREFIX + name].shape != shape:
                raise SavedFitError(f"The saved data summary has {PREFIX}{name} of another shape: save the fit again.")
        return cls(**{name: np.asarray(arrays[PREFIX + name]) for name in names})


def _row_weights(fit: RegressionFit, rows: int) -> Float[np.ndarray, " n"]:
    """How much each row counts: 1 where the fit no longer knows it."""
    parent = fit.parent
    kept = np.zeros(0) if parent is None else np.asarray(parent.weights, float)
    return kept if len(kept) == rows else np.ones(rows)


def left_out(
    fit: RegressionFit,
    z: Float[np.ndarray, "S D"],
    matrix: Float[np.ndarray, "n D"],
    y: Float[np.ndarray, " n"],
    weights: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """P(y = 1) of each row without the row itself, and the k-hat of its weights.

    Args:
        fit: The fit.
        z: Draws of its answer.
        matrix: Rows of its design matrix.
        y: Their labels, 0 or 1.
        weights: How much each row counts.
    """
    predictors = matrix @ z.T
    with precision.context(np.dtype(float)):
        log_one = np.asarray(fit.model.log_prob(predictors, np.ones_like(predictors)))
        log_own = np.asarray(fit.model.log_prob(predictors, np.broadcast_to(y[:, None], predictors.shape)))
    smoothed = pareto_smoothed(-weights[:, None] * log_own)
    p = np.sum(smoothed.weights * np.exp(log_one), axis=1)
    return np.clip(p, 0.0, 1.0), smoothed.k_hat


def measures(
    y: Float[np.ndarray, " n"], p: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " 4"]:
    r"""Log loss, Brier score, AUC and accuracy, as Scikit-learn defines them; NaN where only one label has weight.

    The AUC is the probability that a row of label 1 has the larger p of two, of which ties count half.

    Args:
        y: Labels, 0 or 1.
        p: Probabilities of label 1.
        weights: How much each row counts.

    Example:
        >>> measures(np.array([0.0, 1.0]), np.array([0.25, 0.75]), np.ones(2)).round(4).tolist()
        [0.2877, 0.0625, 1.0, 1.0]
    """
    ones, zeros = weights * (y == 1), weights * (y != 1)
    if not (ones.any() and zeros.any()):
        return np.full(len(MEASURES), np.nan)
    inside = np.clip(p, SMALLEST, 1 - SMALLEST)  # so that one row that was thought impossible is not all of the loss
    loss = -np.where(y == 1, np.log(inside), np.log1p(-inside))
    place = np.unique(p, return_inverse=True)[1]
    higher, lower = np.bincount(place, ones), np.bincount(place, zeros)
    auc = higher @ (np.cumsum(lower) - lower / 2) / (ones.sum() * zeros.sum())
    each = np.stack([loss, (y - p) ** 2, (p > 0.5) == (y == 1)])
    log_loss, brier, accuracy = each @ weights / weights.sum()
    return np.array([log_loss, brier, auc, accuracy])
