"""Bayesian regression of ordered levels behind scikit-learn's interface."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from taut.data import Levels
from taut.data.formulas.observed import Observed
from taut.errors import DataError
from taut.estimators.by_formula import BayesianByFormula
from taut.estimators.classifier import Classifier
from taut.models.likelihoods import Ordinal


class BayesianOrdinalRegression(Classifier, BayesianByFormula):
    r"""Classifier of ordered levels (grades), with a posterior over coefficients and thresholds.

    .. math:: P(y \le k|x) = \sigma(c_k - x^\top b), \quad c_1 < \dots < c_{K-1}

    This is the cumulative logit. The coefficients of the standardised columns have independent N(0, 2.5^2) priors, the
    thresholds are N(0, 5^2) in order. A larger predictor means a higher level.

    The other arguments and attributes are those of `BayesianLinearRegression`, without `likelihood` and
    `fit_intercept`, whose place the thresholds take.

    Args:
        levels: the labels, the lowest first. None sorts them, numbers by value and text by the alphabet, so that text
            such as "low" and "high" needs it.

    Attributes:
        classes_: `[K]`, the labels in their order.
        coef_: `[d]`, posterior means, for the columns in their own units.
        threshold_: `[K - 1]`, posterior means of the thresholds, in the units of `coef_`.
        threshold_sd_: their posterior standard deviations.

    Raises:
        ValueError: data that cannot be used, by scikit-learn's rules; labels that `levels` lacks.

    Example:
        >>> import numpy as np
        >>> X = np.arange(12.0)[:, None]
        >>> y = ["low"] * 4 + ["middle", "low", "middle", "high"] + ["high"] * 4
        >>> model = BayesianOrdinalRegression(levels=["low", "middle", "high"]).fit(X, y)
        >>> model.predict([[0.0], [11.0]]).tolist(), model.threshold_.shape
        (['low', 'high'], (2,))
    """

    def __init__(
        self,
        prior: Any = None,
        *,
        levels: Sequence[Any] | None = None,
        family: Any = None,
        algorithm: Any = None,
        steps: int | None = None,
        fallbacks: bool = False,
        random_state: Any = 0,
    ):
        super().__init__(
            prior, family=family, algorithm=algorithm, steps=steps, fallbacks=fallbacks, random_state=random_state
        )
        self.levels = levels

    def _seen(self, y, weights):
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if self.levels is not None:
            classes, codes = _in_order(classes, codes, list(self.levels))
        if len(classes) < 2:
            raise DataError(f"y has one class only, {classes.tolist()[0]!r}: rows of two levels are needed.")
        self.classes_ = classes
        known = Ordinal(len(classes)), codes.astype(np.float64), Levels(tuple(classes.tolist()))
        return Observed(*known, 1.0, 0.0, "given")

    def _read_off_intercept(self, mean, sd):
        self.threshold_, self.threshold_sd_ = mean, sd

    def predict_proba(self, X: Any, offset: Any = None) -> np.ndarray:
        """Probabilities `[n, K]` of the levels in their order, averaged over the posterior (4,000 draws).

        Args:
            X: `[n, d]`, new rows.
            offset: `[n]` or one number, what is added to the linear predictor; 0 by default.
        """
        rows, n = self._rows(X, offset)
        return self.result_.predictor.predict(rows, 0.95).probability[:n]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True  # classes without an order are not for it
        return tags


def _in_order(found: np.ndarray, codes: np.ndarray, order: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The labels that occur in the order that was given, and the codes for it."""
    if len(set(order)) < len(order) or not set(found.tolist()) <= set(order):
        raise DataError(
            f"levels={order!r}: every label of y is needed there once, the lowest first. They are {found.tolist()}."
        )
    rank = np.array([order.index(label) for label in found.tolist()])
    by_rank = np.argsort(rank)
    return found[by_rank], np.argsort(by_rank)[codes]
