"""Bayesian regressions of counts behind scikit-learn's interface."""

from typing import ClassVar

import numpy as np

from taut.data.formulas.observed import Observed
from taut.errors import DataError
from taut.estimators.regressor import BayesianRegressor
from taut.models.likelihoods import Likelihood, NegativeBinomial, Poisson


class _Counts(BayesianRegressor):
    """Base of the regressions of counts."""

    _likelihood: ClassVar[type[Likelihood]]

    def _seen(self, y, weights):
        y = np.asarray(y, np.float64)
        if np.any(y < 0):
            raise DataError(f"y holds {y.min():g}: counts are 0 or more.")
        return Observed(self._likelihood(), y, None, 1.0, 0.0, "given")  # rates, too, see the class

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


class BayesianPoissonRegression(_Counts):
    r"""Regression of counts with a log-linear rate, and a posterior over its coefficients.

    .. math:: y \sim \mathrm{Poisson}(e^{\eta}), \quad \eta = \text{offset} + b_0 + x^\top b

    The coefficients of the standardised columns and the intercept have independent N(0, 2.5^2) priors. Exposures are
    offsets, `fit(X, y, offset=np.log(exposure))`; or y is a rate, count / exposure, with the exposure as sample weight,
    which has the same likelihood.

    The arguments and attributes are those of `BayesianLinearRegression`, without `likelihood`.

    Raises:
        ValueError: data that cannot be used, by scikit-learn's rules; a negative y.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
        >>> model = BayesianPoissonRegression().fit(X, [1, 2, 4, 7, 15])
        >>> bool(0.5 < model.coef_[0] < 0.8), model.predict([[2.0]], offset=np.log(10)).shape
        (True, (1,))
    """

    _likelihood = Poisson


class BayesianNegativeBinomialRegression(_Counts):
    r"""Regression of counts that vary more than a Poisson's, with a posterior over coefficients and dispersion.

    .. math:: y \sim \mathrm{NB}(\mu = e^{\eta}, \phi), \quad \mathrm{var}\, y = \mu + \mu^2 / \phi

    The coefficients of the standardised columns and the intercept have independent N(0, 2.5^2) priors. `phi` is in
    `result_.variances()`, with the prior of the negative binomial likelihood of `taut.models.likelihoods`.

    The arguments and attributes are those of `BayesianLinearRegression`, without `likelihood`.

    Raises:
        ValueError: data that cannot be used, by scikit-learn's rules; a negative y.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]] * 4)
        >>> model = BayesianNegativeBinomialRegression().fit(X, [1, 0, 4, 7, 25, 0, 5, 1, 3, 9] * 2)
        >>> model.predict(X).shape, model.result_.variances()["name"].to_list()
        ((20,), ['phi'])
    """

    _likelihood = NegativeBinomial
