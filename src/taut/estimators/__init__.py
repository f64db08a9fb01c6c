"""scikit-learn's interface: classes with `fit` and `predict`, and nothing else."""

from taut.estimators.logistic import BayesianLogisticRegression as BayesianLogisticRegression
