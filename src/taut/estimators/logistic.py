"""Bayesian logistic regression behind scikit-learn's interface."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from taut.data.tables.labels import Labels
from taut.errors import DataError
from taut.estimators.base import BayesianRegression
from taut.models import LogisticRegression


class BayesianLogisticRegression(ClassifierMixin, BayesianRegression):
    r"""Binary classifier with a posterior over its coefficients, and predictions that integrate over it.

    .. math:: p(y = 1|x) = \int \sigma(b_0 + x^\top b) \, q(b_0, b) \, d(b_0, b)

    The coefficients of the standardised columns have independent N(0, `prior_scale`^2) priors, the intercept included.
    Left as it is, the estimator climbs to the exact optimum of the family, with no learning rate and no noise.
    Features are numbers; put a `OneHotEncoder` before it for categories. Computed in float64.

    Args:
        prior_scale: standard deviation of the prior of every coefficient, on the standardised scale.
        family: shape of the posterior: "full-rank", "mean-field", a class, or an instance over all coefficients.
        gradient: "exact", "reparametrization", "reinforce" or an instance; naming one chooses the stochastic algorithm.
        algorithm: "natural", "stochastic" or an instance; by default the natural gradient where no gradient is named.
        standardise: divide each column by its (weighted, population) standard deviation and, with an intercept, first
            subtract its mean. A constant column is left at its own scale.
        fit_intercept: whether to add a column of ones; without it a row of zeros has probability 1/2.
        steps: budget, in place of the algorithm's own.
        batch_size: rows for each step; all by default. Fewer choose the stochastic algorithm.
        random_state: an integer, a NumPy `RandomState` or None. The draws that weigh the answer use it even where the
            algorithm uses no chance, so that equal data give an equal answer unless this is None.

    Attributes:
        classes_: `[2]`, the labels; the second is the positive one.
        coef_: `[1, d]`, posterior means, for the columns in their own units.
        intercept_: `[1]`, posterior mean; 0 without an intercept.
        coef_sd_: `[1, d]`, posterior standard deviations of `coef_`.
        intercept_sd_: `[1]`, that of `intercept_`.
        elbo_: the ELBO, in nats for all rows.
        n_iter_: accepted steps.
        n_features_in_: d.
        feature_names_in_: `[d]`, names of the columns, where X had them.
        result_: the `taut.Fit`: `result_.summary()`, `result_.sample()`, `result_.predict(X)` with uncertainties, ...

    Raises:
        ValueError: data that cannot be used (one class or more than two, missing values, ...), by scikit-learn's rules.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> BayesianLogisticRegression().fit(X, ["no", "no", "yes", "yes"]).predict_proba([[1.5], [4.0]]).round(3)
        array([[0.5  , 0.5  ],
               [0.183, 0.817]])

    Source: D. Spiegelhalter and S. Lauritzen, Sequential Updating of Conditional Probabilities on Directed Graphical
    Structures, 1990 (predictions that integrate over a Gaussian posterior of a logistic regression).
    """

    _model = LogisticRegression

    def _read_target(self, y):
        self.classes_, target = _binary(y)
        return target, Labels(tuple(self.classes_.tolist()))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[n, 2]` of the two classes, integrated over the posterior; good to 1e-8."""
        positive = self._predictive(X).probability
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: Any) -> np.ndarray:
        """The more probable label of each row, `[n]`; the first where they are equal."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _binary(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two labels in order, and the target as 0 and 1."""
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) > 2:
        raise DataError(
            f"Only binary classification is supported. The type of the target is {type_of_target(y)}, with "
            f"{len(classes)} classes: group them into two, or fit one regression for each with "
            "sklearn.multiclass.OneVsRestClassifier."
        )
    if len(classes) < 2:
        raise DataError(
            f"y has one class only, {classes.tolist()[0]!r}, among the rows that count (weight above 0): "
            "rows of two classes are needed."
        )
    return classes, codes.astype(np.float64)
