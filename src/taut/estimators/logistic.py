"""Bayesian logistic regression behind scikit-learn's interface."""

from typing import Any

import numpy as np
from scipy.special import logit
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from taut.data import Labels, Levels
from taut.data.formulas.observed import Observed
from taut.errors import DataError
from taut.estimators.base import BayesianRegression, Received
from taut.estimators.classifier import Classifier
from taut.estimators.rows import matrix_rows, prepared
from taut.models import LogisticRegression, Regression
from taut.models.likelihoods import Multinomial


class BayesianLogisticRegression(Classifier, BayesianRegression):
    r"""Classifier with a posterior over its coefficients, and predictions that integrate over it.

    .. math:: p(y = 1|x) = \int \sigma(b_0 + x^\top b) \, q(b_0, b) \, d(b_0, b)

    The coefficients of the standardised columns have independent N(0, `prior_scale`^2) priors, the intercept included.
    More than two classes are a multinomial regression: each class but the first has coefficients of its own, whose
    log-odds are against the first.

    Left as it is, with two classes, the estimator climbs to the exact optimum of the family, with no learning rate and
    no noise. Features are numbers; put a `OneHotEncoder` before it for categories. Computed in float64.

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
        classes_: `[K]`, the labels; of two the second is the positive one.
        coef_: `[1, d]`, posterior means, for the columns in their own units; `[K, d]` of more than two classes, zeros
            for the first.
        intercept_: `[1]` or `[K]`, posterior mean; 0 without an intercept.
        coef_sd_: like `coef_`, its posterior standard deviations.
        intercept_sd_: like `intercept_`, that of `intercept_`.
        prior_scale_: the standard deviation of the coefficients' prior that was used.
        elbo_: the ELBO, in nats for all rows.
        n_iter_: accepted steps.
        n_features_in_: d.
        feature_names_in_: `[d]`, names of the columns, where X had them.
        result_: the `taut.Fit`: `result_.summary()`, `result_.sample()`, `result_.predict(X)` with uncertainties, ...

    Raises:
        ValueError: data that cannot be used (one class, missing values, ...), by scikit-learn's rules.

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
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"y has one class only, {self.classes_.tolist()[0]!r}, among the rows that count (weight above 0): "
                "rows of two classes are needed."
            )
        kind = Labels if len(self.classes_) == 2 else Levels
        return codes.astype(np.float64), kind(tuple(self.classes_.tolist()))

    def _row_weights(self, target, weights):
        labels = self.classes_[target.astype(int)]
        each = compute_class_weight(self.class_weight, classes=self.classes_, y=labels, sample_weight=weights)
        if not (np.all(np.isfinite(each)) and np.all(each > 0)):
            raise DataError(f"class_weight={self.class_weight!r}: a positive, finite number for each class is needed.")
        return weights * each[target.astype(int)]

    def _fit_rows(self, X, target, labels, weights):
        if len(self.classes_) == 2:
            super()._fit_rows(X, target, labels, weights)
            return
        seen = Observed(Multinomial(len(self.classes_)), target, labels, 1.0, 0.0, "given")
        received, intercept = Received(X, target, weights), bool(self.fit_intercept)
        data = prepared(received, seen, self._names, self._moments(X, weights), intercept)
        prior = self._prior()
        stated = prior if isinstance(prior, str) else dict.fromkeys(data.data.design.names, prior)
        others = {"gradient": self.gradient, "batch_size": self.batch_size}
        self._learn(Regression(likelihood=seen.likelihood, prior=stated), data, **others)
        self.prior_scale_ = self.result_.model.prior.coefficients[-1].number("scale")
        table = self.result_.summary()
        mean, sd = (table[name].to_numpy().reshape(len(self.classes_) - 1, -1) for name in ("mean", "sd"))
        if not intercept:
            mean, sd = (np.pad(x, ((0, 0), (1, 0))) for x in (mean, sd))
        mean, sd = (np.pad(x, ((1, 0), (0, 0))) for x in (mean, sd))  # the first class is what others are against
        self.coef_, self.intercept_ = mean[:, 1:], mean[:, 0]
        self.coef_sd_, self.intercept_sd_ = sd[:, 1:], sd[:, 0]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[n, K]` of the classes, integrated over the posterior.

        Those of two classes are good to 1e-8, or averages over 4,000 draws where a richer answer stands in for the
        Gaussian; those of more are such averages.
        """
        check_is_fitted(self)
        if len(self.classes_) == 2:
            positive = self._predictive(X).probability
            return np.column_stack([1.0 - positive, positive])
        X = self._new_rows(X)
        rows = matrix_rows(self.result_.design, X, None, padded=True)
        return self.result_.predictor.predict(rows, 0.95).probability[: len(X)]

    def predict_interval(self, X: Any, level: float = 0.95) -> np.ndarray:
        """Lower and upper end of the credible interval of the probability of the second of two classes, `[n, 2]`.

        Args:
            X: `[n, d]`, new rows.
            level: Probability of the interval.

        Raises:
            DataError: There are more than two classes.
        """
        check_is_fitted(self)
        if len(self.classes_) > 2:
            raise DataError(f"predict_interval is for two classes, and there are {len(self.classes_)}.")
        return super().predict_interval(X, level)

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the second of two classes, `[n]`, or log probabilities of more, `[n, K]`, by `predict_proba`."""
        check_is_fitted(self)
        if len(self.classes_) > 2:
            return self.predict_log_proba(X)
        return logit(self._predictive(X).probability)
