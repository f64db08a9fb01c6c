"""What every classifier here makes of its probabilities."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin


class Classifier(ClassifierMixin):
    """Labels and logarithms of `predict_proba`."""

    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `[n, K]` of the classes, integrated over the posterior."""
        raise NotImplementedError

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`, `[n, K]`; minus infinity where a probability is 0 to rounding."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each row, `[n]`; the first where they are equal."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]
