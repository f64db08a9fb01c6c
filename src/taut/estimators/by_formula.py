"""The estimators whose model is a `taut.models.Regression`: everything but what is predicted."""

import abc
from typing import Any, Self

import numpy as np

from taut.data import FormulaRows
from taut.data.formulas.observed import Observed
from taut.estimators.base import BayesianEstimator, Received, checked_offset, standardisation
from taut.estimators.rows import matrix_rows, prepared
from taut.models import Regression


class BayesianByFormula(BayesianEstimator):
    """Base of the estimators whose model is a `taut.models.Regression`.

    A subclass says what its response is (`_seen`), and predicts.
    """

    def __init__(
        self,
        prior: Any = None,
        *,
        family: Any = None,
        algorithm: Any = None,
        fit_intercept: bool = True,
        steps: int | None = None,
        fallbacks: bool = False,
        random_state: Any = 0,
    ):
        self.prior = prior
        self.family = family
        self.algorithm = algorithm
        self.fit_intercept = fit_intercept
        self.steps = steps
        self.fallbacks = fallbacks
        self.random_state = random_state

    @abc.abstractmethod
    def _seen(self, y: np.ndarray, weights: np.ndarray) -> Observed:
        """The response as its likelihood takes it."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the posterior.

        Args:
            X: `[n, d]`, numbers, without a column of ones; a sparse matrix is made dense.
            y: `[n]`, the target.
            sample_weight: `[n]`, how often each row counts: 2 is the row twice, 0 is the row left out.
            offset: `[n]` or one number, what is added to the linear predictor, such as the log of an exposure.

        Returns:
            Itself.
        """
        received = self._received(X, y, sample_weight, offset, least=2)
        self._fit_rows(received, self._seen(received.y, received.weights))
        return self

    def _fit_rows(self, received: Received, seen: Observed) -> None:
        """Fit to rows that were checked."""
        intercept = bool(self.fit_intercept)
        moments = standardisation(received.X, received.weights, intercept)
        model = Regression(likelihood=seen.likelihood, prior=self.prior)
        self._learn(model, prepared(received, seen, self._names, moments, intercept))
        self._read_off_coefficients()

    def _read_off_coefficients(self) -> None:
        table = self.result_.summary()
        mean, sd = (table[name].to_numpy() for name in ("mean", "sd"))
        d = self.n_features_in_  # pyright: ignore[reportAttributeAccessIssue]
        before = len(mean) - d  # an intercept, thresholds, or nothing
        self.coef_, self.coef_sd_ = mean[before:], sd[before:]
        self._read_off_intercept(mean[:before], sd[:before])

    def _read_off_intercept(self, mean: np.ndarray, sd: np.ndarray) -> None:
        self.intercept_, self.intercept_sd_ = (float(x[0]) if x.size else 0.0 for x in (mean, sd))

    def _rows(self, X: Any, offset: Any = None) -> tuple[FormulaRows, int]:
        """New rows, padded, and how many they are."""
        X = self._new_rows(X)
        offset = None if offset is None else checked_offset(offset, len(X))
        return matrix_rows(self.result_.design, X, offset, padded=True), len(X)
