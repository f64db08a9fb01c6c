"""Regressions behind scikit-learn's interface: everything but what is predicted."""

import abc
import numbers
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from taut.core.cache import keep_compilations
from taut.core.names import find, unknown
from taut.data.tables.columns import Column
from taut.data.tables.design import Design
from taut.data.tables.labels import Labels
from taut.data.tables.levels import Levels
from taut.data.tables.supervised import Supervised
from taut.errors import ArgumentError, DataError
from taut.fitting.fit import fit
from taut.learning.ended import Ended
from taut.models import Normal, TableRegression
from taut.models.given_prior import NAMED
from taut.results.fit import Fit

MOST_DENSE = 2**28
"""Largest number of entries, 2 GiB of them, for which a sparse matrix is made dense."""


class Received(NamedTuple):
    """The rows that count, checked by scikit-learn's rules.

    Attributes:
        X: `[n, d]`, dense.
        y: `[n]`.
        weights: `[n]`, all positive.
        offset: `[n]`, or None.
    """

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    offset: np.ndarray | None = None


class BayesianEstimator(BaseEstimator, abc.ABC):
    """What every estimator does: check its data, fit with the arguments that it was made with, report the ending."""

    family: Any
    algorithm: Any
    steps: int | None
    fallbacks: bool
    random_state: Any
    result_: Any
    elbo_: float
    n_iter_: int

    def _received(self, X: Any, y: Any, sample_weight: Any, offset: Any = None, least: int = 1) -> Received:
        """The rows that count, of which `least` are needed."""
        keep_compilations()
        options = {"dtype": np.float64, "accept_sparse": "csr", "y_numeric": is_regressor(self)}
        X, y = validate_data(self, X, y, ensure_min_samples=least, **options)
        X = _dense(X)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        counts = weights > 0
        if counts.sum() < least:
            raise DataError(f"Only {counts.sum()} of {len(X)} rows count (weight above 0): {least} are needed.")
        offset = None if offset is None else checked_offset(offset, len(X))[counts]
        return Received(X[counts], y[counts], weights[counts], offset)

    def _new_rows(self, X: Any) -> np.ndarray:
        """New rows, dense."""
        check_is_fitted(self)
        return _dense(validate_data(self, X, dtype=np.float64, reset=False, accept_sparse="csr"))

    def _learn(self, model: Any, data: Any, weights: np.ndarray | None = None, **others: Any) -> None:
        """Fit the model, with the estimator's arguments and others."""
        self.result_ = fit(
            model,
            data,
            family=self.family,
            algorithm=self.algorithm,
            seed=self._seed(),
            steps=self.steps,
            fallbacks=bool(self.fallbacks),
            sample_weight=weights,
            progress=False,
            **others,
        )
        _report_the_ending(self.result_)
        self.elbo_, self.n_iter_ = self.result_.elbo, self.result_.iterations

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _names(self) -> tuple[tuple[str, ...], bool]:
        """Names of X's columns, and whether X had them."""
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return tuple(map(str, names)), True
        return tuple(f"x{j}" for j in range(self.n_features_in_)), False  # pyright: ignore[reportAttributeAccessIssue]

    def _seed(self) -> int:
        """An integer as it is, so that `taut.fit` with the same one gives the same fit; else the next of its stream."""
        if isinstance(self.random_state, numbers.Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))


class BayesianRegression(BayesianEstimator):
    """Base of the regressions on a table: a subclass names its model, reads its target and predicts.

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
    def _read_target(self, y: np.ndarray) -> tuple[np.ndarray, Labels | Levels | None]:
        """The target as numbers `[n]`, and what they stand for where it holds labels."""

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
        received = self._received(X, y, sample_weight)
        target, labels = self._read_target(received.y)
        weights = self._row_weights(target, received.weights)
        self._fit_rows(received.X, target, labels, weights)
        return self

    def _fit_rows(self, X: np.ndarray, target: np.ndarray, labels: Any, weights: np.ndarray) -> None:
        """Fit to rows that were checked."""
        design = self._design(X, weights)
        matrix = design.standardised(X)
        self._learn(
            self._model(self._prior(), bool(self.standardise), bool(self.fit_intercept)),
            Supervised(matrix, target, design, labels, kept=np.ones(len(matrix), bool)),
            weights,
            gradient=self.gradient,
            batch_size=self.batch_size,
        )
        prior: Any = self.result_.model.prior
        self.prior_scale_ = float(np.ravel(prior.scale)[-1])  # the intercept's is first
        self._read_off_coefficients()

    def _prior(self) -> Any:
        """The prior of the coefficients, or its name."""
        prior: Any = self.prior_scale
        if not isinstance(prior, str):
            return Normal(0.0, prior)
        if find(prior, NAMED) is None:
            raise ArgumentError(f"prior_scale={unknown(prior, NAMED)}; or a positive number.")
        return prior

    def _predictive(self, X: Any, level: float = 0.95) -> Any:
        """The posterior predictive of new rows, columns `[n]` by name."""
        return self.result_.predict(self._new_rows(X), level)

    def predict_interval(self, X: Any, level: float = 0.95) -> np.ndarray:
        """Lower and upper end of the credible interval of what is predicted for each row, `[n, 2]`.

        Args:
            X: `[n, d]`, new rows.
            level: Probability of the interval.
        """
        prediction = self._predictive(X, level)
        return np.column_stack([prediction.lower, prediction.upper])

    def _moments(self, X: np.ndarray, weights: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Shifts and scales of the columns, see `standardisation`."""
        return standardisation(X, weights, bool(self.fit_intercept), bool(self.standardise))

    def _design(self, X: np.ndarray, weights: np.ndarray) -> Design:
        """How columns are standardised."""
        names, named = self._names
        design = Design(
            tuple(Column(name, "numeric") for name in names),
            *self._moments(X, weights),
            standardise=bool(self.standardise),
            intercept=bool(self.fit_intercept),
            named=named,
        )
        refuse_one_name(design.names)
        return design

    def _read_off_coefficients(self) -> None:
        table = self.result_.summary()
        mean, sd = table["mean"].to_numpy(), table["sd"].to_numpy()
        if not self.fit_intercept:
            mean, sd = np.insert(mean, 0, 0.0), np.insert(sd, 0, 0.0)
        self.coef_, self.intercept_ = mean[None, 1:], mean[:1]
        self.coef_sd_, self.intercept_sd_ = sd[None, 1:], sd[:1]


def standardisation(
    X: np.ndarray, weights: np.ndarray, intercept: bool = True, scaled: bool = True
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shifts and scales of columns: with the weights, so that a weight of 2 is the row twice here, too."""
    # Without an intercept nothing could take up the means, and a row of zeros has to keep a predictor of zero.
    centre, d = intercept and scaled, X.shape[1]
    scaler: Any = StandardScaler(with_mean=centre, with_std=scaled).fit(X, sample_weight=weights)
    shift = tuple(scaler.mean_.tolist()) if centre else (0.0,) * d
    return shift, tuple(scaler.scale_.tolist()) if scaled else (1.0,) * d


def refuse_one_name(names: Sequence[str]) -> None:
    """Refuse coefficients that would have one name."""
    if len(set(names)) < len(names):
        raise DataError(f"Two coefficients would have one name in {list(names)}: rename a column.")


def checked_offset(offset: Any, rows: int) -> np.ndarray:
    """An offset, `[rows]`; one number is that of every row."""
    values = check_array(np.broadcast_to(offset, rows) if np.ndim(offset) == 0 else offset, ensure_2d=False)
    if values.shape != (rows,):
        raise DataError(f"offset has shape {values.shape}; one number for each of the {rows} rows is needed.")
    return values.astype(np.float64)


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
        warnings.warn(f"ended: {result.ending}", ConvergenceWarning, stacklevel=4)
