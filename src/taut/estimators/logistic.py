"""Bayesian logistic regression behind scikit-learn's interface."""

import numbers
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from taut.data.tables.columns import Column
from taut.data.tables.design import Design
from taut.data.tables.labels import Labels
from taut.data.tables.supervised import Supervised
from taut.errors import DataError
from taut.fitting.fit import fit
from taut.learning.ended import Ended
from taut.models import LogisticRegression, Normal
from taut.results.fit import Fit


class BayesianLogisticRegression(ClassifierMixin, BaseEstimator):
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

    def __init__(
        self,
        prior_scale: float = 1.0,
        *,
        family: Any = "full-rank",
        gradient: Any = None,
        algorithm: Any = None,
        standardise: bool = True,
        fit_intercept: bool = True,
        steps: int | None = None,
        batch_size: int | None = None,
        random_state: Any = 0,
    ):
        self.prior_scale = prior_scale
        self.family = family
        self.gradient = gradient
        self.algorithm = algorithm
        self.standardise = standardise
        self.fit_intercept = fit_intercept
        self.steps = steps
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "BayesianLogisticRegression":
        """Fit the posterior.

        Args:
            X: `[n, d]`, numbers, without a column of ones.
            y: `[n]`, two labels of any kind.
            sample_weight: `[n]`, how often each row counts: 2 is the row twice, 0 is the row left out.

        Returns:
            Itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        self.classes_, target = _binary(y)
        design = self._design(X, weights)
        matrix, labels = _matrix(design, X), Labels(tuple(self.classes_.tolist()))
        self.result_ = fit(
            LogisticRegression(Normal(0.0, self.prior_scale), bool(self.standardise), bool(self.fit_intercept)),
            Supervised(matrix, target, design, labels, kept=np.ones(len(matrix), bool)),
            family=self.family,
            gradient=self.gradient,
            algorithm=self.algorithm,
            seed=self._seed(),
            steps=self.steps,
            batch_size=self.batch_size,
            sample_weight=weights,
            progress=False,
        )
        _report_the_ending(self.result_)
        self.elbo_, self.n_iter_ = self.result_.elbo, self.result_.iterations
        self._read_off_coefficients()
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[n, 2]` of the two classes, integrated over the posterior; good to 1e-8."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        positive = self.result_.predict(X).probability
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: Any) -> np.ndarray:
        """The more probable label of each row, `[n]`; the first where they are equal."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _design(self, X: np.ndarray, weights: np.ndarray) -> Design:
        """How columns are standardised: with the weights, so that a weight of 2 is the row twice here, too."""
        # Without an intercept nothing could take up the means, and a row of zeros has to keep a logit of zero.
        centre, scale = bool(self.standardise and self.fit_intercept), bool(self.standardise)
        scaler: Any = StandardScaler(with_mean=centre, with_std=scale).fit(X, sample_weight=weights)
        d = X.shape[1]
        names = getattr(self, "feature_names_in_", None)
        named = names is not None
        names = names if named else [f"x{j}" for j in range(d)]
        design = Design(
            columns=tuple(Column(str(name), "numeric") for name in names),
            shift=tuple(scaler.mean_.tolist()) if centre else (0.0,) * d,
            scale=tuple(scaler.scale_.tolist()) if scale else (1.0,) * d,
            standardise=scale,
            intercept=bool(self.fit_intercept),
            named=named,
        )
        if len(set(design.names)) < len(design.names):
            raise DataError(f"Two coefficients would have one name in {list(design.names)}: rename a column.")
        return design

    def _seed(self) -> int:
        """An integer as it is, so that `taut.fit` with the same one gives the same fit; else the next of its stream."""
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _read_off_coefficients(self) -> None:
        table = self.result_.summary()
        mean, sd = table["mean"].to_numpy(), table["sd"].to_numpy()
        if not self.fit_intercept:
            mean, sd = np.insert(mean, 0, 0.0), np.insert(sd, 0, 0.0)
        self.coef_, self.intercept_ = mean[None, 1:], mean[:1]
        self.coef_sd_, self.intercept_sd_ = sd[None, 1:], sd[:1]


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


def _matrix(design: Design, X: np.ndarray) -> np.ndarray:
    """`design.matrix` for what is known to be an array of finite numbers."""
    Z = (X - np.array(design.shift)) / np.array(design.scale)
    return np.column_stack([np.ones(len(Z)), Z]) if design.intercept else Z


def _report_the_ending(result: Fit) -> None:
    """Raise what Ctrl-C meant, warn of a fit that is not to be relied upon."""
    if result.ended is Ended.INTERRUPTED:  # a search over many fits must stop, not go on with half of one
        raise KeyboardInterrupt
    certifies = result.algorithm.deterministic  # otherwise a spent budget is the usual end
    if result.ended in (Ended.DIVERGED, Ended.STALLED) or (certifies and result.ended is Ended.BUDGET_SPENT):
        warnings.warn(f"{result.ended.value}. {result.reason}".rstrip(), ConvergenceWarning, stacklevel=3)
