"""scikit-learn's interface: classes with `fit` and `predict`, and nothing else."""

from taut.core.rooms import absent as _absent
from taut.estimators.counts import BayesianNegativeBinomialRegression as BayesianNegativeBinomialRegression
from taut.estimators.counts import BayesianPoissonRegression as BayesianPoissonRegression
from taut.estimators.linear import BayesianLinearRegression as BayesianLinearRegression
from taut.estimators.logistic import BayesianLogisticRegression as BayesianLogisticRegression
from taut.estimators.ordinal import BayesianOrdinalRegression as BayesianOrdinalRegression

__getattr__ = _absent(__name__)
