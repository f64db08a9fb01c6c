"""A regression behind scikit-learn's interface: everything but what is predicted."""

import abc
import numbers
import warnings
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from taut.core.cache import keep_compilations
from taut.core.names import find, unknown
from taut.data.tables.columns import Column
from taut.data.tables.design import Design
from taut.data.tables.labels import Labels
from taut.data.tables.supervised import Supervised
from taut.errors import ArgumentError, DataError
from taut.fitting.fit import fit
from taut.learning.ended import Ended
from taut.models import Normal, TableRegression
from taut.models.given_prior import NAMED
from taut.results.fit import Fit

MOST_DENSE = 2**28
"""Largest number of entries, 2 GiB of them, for which a sparse matrix is made dense."""


class BayesianRegression(BaseEstimator, abc.ABC):
    """Base of the regressions: a subclass names its model, reads its target and predicts.

    The arguments and attributes are those of `BayesianLogisticRegression`.
    """

    _model: ClassVar[type[TableRegression]]

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
        self.fallbacks = fallbacks
        self.random_state = random_state

    @abc.abstractmethod
    def _read_target(self, y: np.ndarray) -> tuple[np.ndarray, Labels | None]:
        """The target as numbers `[n]`, and what 0 and 1 stand for where it holds labels."""

    def _row_weights(self, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """How much each row counts, `[n]`, given its sample weight."""
        return weights

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the posterior.

        Args:
            X: `[n, d]`, numbers, without a column of ones; a sparse matrix is made dense.
            y: `[n]`, the target.
            sample_weight: `[n]`, how often each row counts: 2 is the row twice, 0 is the row left out.

        Returns:
            Itself.
        """
        keep_compilations()
        X, y = validate_data(self, X, y, dtype=np.float64, accept_sparse="csr")
        X = _dense(X)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        target, labels = self._read_target(y)
        weights = self._row_weights(target, weights)
        design = self._design(X, weights)
        matrix = design.standardised(X)
        prior: Any = self.prior_scale
        if not isinstance(prior, str):
            prior = Normal(0.0, prior)
        elif find(prior, NAMED) is None:
            raise ArgumentError(f"prior_scale={unknown(prior, NAMED)}; or a positive number.")
        self.result_ = fit(
            self._model(prior, bool(self.standardise), bool(self.fit_intercept)),
            Supervised(matrix, target, design, labels, kept=np.ones(len(matrix), bool)),
            family=self.family,
            gradient=self.gradient,
            algorithm=self.algorithm,
            seed=self._seed(),
            steps=self.steps,
            batch_size=self.batch_size,
            fallbacks=bool(self.fallbacks),
            sample_weight=weights,
            progress=False,
        )
        prior: Any = self.result_.model.prior
        self.prior_scale_ = float(np.ravel(prior.scale)[-1])  # the intercept's is first
        _report_the_ending(self.result_)
        self.elbo_, self.n_iter_ = self.result_.elbo, self.result_.iterations
        self._read_off_coefficients()
        return self

    def _predictive(self, X: Any, level: float = 0.95) -> Any:
        """The posterior predictive of new rows, columns `[n]` by name."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False, accept_sparse="csr")
        return self.result_.predict(_dense(X), level)

    def predict_interval(self, X: Any, level: float = 0.95) -> np.ndarray:
        """Lower and upper end of the credible interval of what is predicted for each row, `[n, 2]`.

        Args:
            X: `[n, d]`, new rows.
            level: Probability of the interval.
        """
        prediction = self._predictive(X, level)
        return np.column_stack([prediction.lower, prediction.upper])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
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


def _dense(X: Any) -> np.ndarray:
    """A sparse matrix as an array, if it is not too large for that: the posterior sees every column of every row."""
    if not scipy.sparse.issparse(X):
        return X
    rows, columns = X.shape
    if rows * columns > MOST_DENSE:
        raise DataError(
            f"X is sparse, of {rows:,} rows and {columns:,} columns. It would have to be made dense, and "
            f"{rows * columns:,} numbers are more than {MOST_DENSE:,}: keep fewer columns, e.g. by "
            "sklearn.decomposition.TruncatedSVD."
        )
    return X.toarray()


def _report_the_ending(result: Fit) -> None:
    """Raise what Ctrl-C meant, warn of a fit that is not to be relied upon."""
    if result.ended is Ended.INTERRUPTED:  # a search over many fits must stop, not go on with half of one
        raise KeyboardInterrupt
    certifies = result.algorithm.deterministic  # otherwise a spent budget is the usual end
    if result.ended in (Ended.DIVERGED, Ended.STALLED) or (certifies and result.ended is Ended.BUDGET_SPENT):
        warnings.warn(f"ended: {result.ending}", ConvergenceWarning, stacklevel=3)
