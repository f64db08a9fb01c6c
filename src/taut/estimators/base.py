"""A regression behind scikit-learn's interface: everything but what is predicted."""

import abc
import numbers
import warnings
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from taut.data.tables.columns import Column
from taut.data.tables.design import Design
from taut.data.tables.labels import Labels
from taut.data.tables.supervised import Supervised
from taut.errors import DataError
from taut.fitting.fit import fit
from taut.learning.ended import Ended
from taut.models import Normal, Regression
from taut.results.fit import Fit


class BayesianRegression(BaseEstimator, abc.ABC):
    """Base of the regressions: a subclass names its model, reads its target and predicts.

    The arguments and attributes are those of `BayesianLogisticRegression`.
    """

    _model: ClassVar[type[Regression]]

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

    @abc.abstractmethod
    def _read_target(self, y: np.ndarray) -> tuple[np.ndarray, Labels | None]:
        """The target as numbers `[n]`, and what 0 and 1 stand for where it holds labels."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the posterior.

        Args:
            X: `[n, d]`, numbers, without a column of ones.
            y: `[n]`, the target.
            sample_weight: `[n]`, how often each row counts: 2 is the row twice, 0 is the row left out.

        Returns:
            Itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        target, labels = self._read_target(y)
        design = self._design(X, weights)
        matrix = design.standardised(X)
        self.result_ = fit(
            self._model(Normal(0.0, self.prior_scale), bool(self.standardise), bool(self.fit_intercept)),
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

    def _predictive(self, X: Any) -> Any:
        """The posterior predictive of new rows, columns `[n]` by name."""
        check_is_fitted(self)
        return self.result_.predict(validate_data(self, X, dtype=np.float64, reset=False))

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


def _report_the_ending(result: Fit) -> None:
    """Raise what Ctrl-C meant, warn of a fit that is not to be relied upon."""
    if result.ended is Ended.INTERRUPTED:  # a search over many fits must stop, not go on with half of one
        raise KeyboardInterrupt
    certifies = result.algorithm.deterministic  # otherwise a spent budget is the usual end
    if result.ended in (Ended.DIVERGED, Ended.STALLED) or (certifies and result.ended is Ended.BUDGET_SPENT):
        warnings.warn(f"ended: {result.ending}", ConvergenceWarning, stacklevel=3)
