"""Bayesian logistic regression behind scikit-learn's interface."""

from typing import Any

import numpy as np
from scipy.special import logit
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
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

    Sample weights go through scikit-learn's metadata routing (`set_fit_request(sample_weight=True)`). What is compiled
    is kept on disk (`~/.cache/taut`), so that the processes of a search share it; `TAUT_NO_CACHE=1` keeps nothing.

    Args:
        prior_scale: standard deviation of the prior of every coefficient, on the standardised scale; "empirical" is the
            one with the highest ELBO, with an intercept that is nearly free.
        family: shape of the posterior: "full-rank" (the default), "mean-field", a class, or an instance over all
            coefficients.
        gradient: "exact", "reparametrization", "reinforce" or an instance; naming one chooses the stochastic algorithm.
        algorithm: "natural", "stochastic" or an instance; by default the natural gradient where no gradient is named.
        standardise: divide each column by its (weighted, population) standard deviation and, with an intercept, first
            subtract its mean. A constant column is left at its own scale.
        fit_intercept: whether to add a column of ones; without it a row of zeros has probability 1/2.
        steps: budget, in place of the algorithm's own.
        batch_size: rows for each step; all by default. Fewer choose the stochastic algorithm.
        fallbacks: whether, with family and algorithm left open, draws of a richer answer stand in for a posterior that
            is not to be trusted (`result_.verdict`). That takes up to half a minute a fit, so a search leaves it False.
        class_weight: None, "balanced" (both classes count alike, by weighted rows), or weights by label. They multiply
            the sample weights, so that the posterior is that of a table in which these rows are repeated.
        random_state: an integer, a NumPy `RandomState` or None. The draws that weigh the answer use it even where the
            algorithm uses no chance, so that equal data give an equal answer unless this is None.

    Attributes:
        classes_: `[2]`, the labels; the second is the positive one.
        coef_: `[1, d]`, posterior means, for the columns in their own units.
        intercept_: `[1]`, posterior mean; 0 without an intercept.
        coef_sd_: `[1, d]`, posterior standard deviations of `coef_`.
        intercept_sd_: `[1]`, that of `intercept_`.
        prior_scale_: the standard deviation of the coefficients' prior that was used.
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

    def __init__(
        self,
        prior_scale: Any = 1.0,
        *,
        family: Any = None,
        gradient: Any = None,
        algorithm: Any = None,
        standardise: bool = True,
        fit_intercept: bool = True,
        steps: int | None = None,
        batch_size: int | None = None,
        fallbacks: bool = False,
        class_weight: Any = None,
        random_state: Any = 0,
    ):
        super().__init__(
            prior_scale,
            family=family,
            gradient=gradient,
            algorithm=algorithm,
            standardise=standardise,
            fit_intercept=fit_intercept,
            steps=steps,
            batch_size=batch_size,
            fallbacks=fallbacks,
            random_state=random_state,
        )
        self.class_weight = class_weight

    def _read_target(self, y):
        self.classes_, target = _binary(y)
        return target, Labels(tuple(self.classes_.tolist()))

    def _row_weights(self, target, weights):
        labels = self.classes_[target.astype(int)]
        each = compute_class_weight(self.class_weight, classes=self.classes_, y=labels, sample_weight=weights)
        if not (np.all(np.isfinite(each)) and np.all(each > 0)):
            raise DataError(f"class_weight={self.class_weight!r}: a positive, finite number for each class is needed.")
        return weights * each[target.astype(int)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[n, 2]` of the two classes, integrated over the posterior.

        They are good to 1e-8, or averages over 4,000 draws where a richer answer stands in for the Gaussian.
        """
        positive = self._predictive(X).probability
        return np.column_stack([1.0 - positive, positive])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`, `[n, 2]`; minus infinity where a probability is 0 to rounding."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the second class, `[n]`, of the probabilities that `predict_proba` gives."""
        return logit(self._predictive(X).probability)

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
