"""What the estimators of numbers predict: the expected response, its spread, intervals, and a score."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from taut.core.arguments import probability
from taut.estimators.by_formula import BayesianByFormula


class BayesianRegressor(RegressorMixin, BayesianByFormula):
    """Base of the estimators of numbers."""

    def predict(self, X: Any, return_std: bool = False, offset: Any = None) -> Any:
        """The expected response of each row `[n]`, averaged over the posterior.

        Args:
            X: `[n, d]`, new rows.
            return_std: Whether to give the standard deviation of a new response as well, `[n]`: of its expectation, as
                the posterior has it, and of its noise.
            offset: `[n]` or one number, what is added to the linear predictor; 0 by default.
        """
        rows, n = self._rows(X, offset)
        moments = self.result_.moments(rows)
        return (moments.mean[:n], moments.new_sd[:n]) if return_std else moments.mean[:n]

    def predict_interval(self, X: Any, level: float = 0.95, new: bool = False, offset: Any = None) -> np.ndarray:
        """Lower and upper end of the credible interval of each row's expected response, `[n, 2]`.

        Args:
            X: `[n, d]`, new rows.
            level: Probability of the interval.
            new: Whether it is to be that of a new response.
            offset: As in `predict`.
        """
        rows, n = self._rows(X, offset)
        found = self.result_.predictor.predict(rows, probability("level", level))
        ends = (found.new_lower, found.new_upper) if new else (found.lower, found.upper)
        return np.column_stack(ends)[:n]

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """R^2 of the predictions: 1 is perfect, 0 is that of the mean of y.

        Args:
            X: `[n, d]`, rows.
            y: `[n]`, their responses.
            sample_weight: `[n]`, how much each row counts.
            offset: As in `predict`.
        """
        return float(r2_score(y, self.predict(X, offset=offset), sample_weight=sample_weight))
