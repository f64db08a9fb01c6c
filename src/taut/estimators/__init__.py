"""scikit-learn's interface: classes with `fit` and `predict`, and nothing else."""

from taut.core.rooms import absent as _absent
from taut.estimators.logistic import BayesianLogisticRegression as BayesianLogisticRegression

__getattr__ = _absent(__name__)
