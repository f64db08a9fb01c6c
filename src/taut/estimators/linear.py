"""Bayesian linear regression behind scikit-learn's interface."""

from typing import Any

import polars as pl

from taut.core.names import find, unknown
from taut.data.formulas.observed import observed
from taut.data.formulas.response import ResponseRows
from taut.errors import ArgumentError
from taut.estimators.regressor import BayesianRegressor
from taut.estimators.rows import TARGET

LIKELIHOODS = {"gaussian": "gaussian", "student-t": "student-t"}


class BayesianLinearRegression(BayesianRegressor):
    r"""Linear regression with a posterior over coefficients and residual sd.

    .. math:: y \sim N(b_0 + x^\top b, \sigma^2)

    The coefficients of the standardised columns have independent N(0, (2.5 s)^2) priors, where s is the standard
    deviation of y; the intercept is N(mean y, (2.5 s)^2), sigma half-N(s). The scale is integrated out on nodes, with
    the exact Gaussian at each: there is no learning rate and no noise. Features are numbers; put a `OneHotEncoder`
    before it for categories. Computed in float64.

    Sample weights and offsets go through scikit-learn's metadata routing (`set_fit_request(offset=True)`,
    `set_predict_request(offset=True)`).

    Args:
        prior: of the coefficients on the standardised scale: None for the one above, a `taut.models.Normal` (or another
            distribution) for all but the intercept, priors by name, as `taut.models.Regression` takes them, or
            "empirical" for the scale with the highest evidence.
        likelihood: "gaussian", or "student-t" for residuals with outliers, whose degrees of freedom are unknown too.
        family: shape of the posterior, as in `taut.fit`; naming one leaves the nested algorithm.
        algorithm: as in `taut.fit`; nested by default.
        fit_intercept: whether there is an intercept; without it columns are divided by their sds and not centred.
        steps: budget, in place of the algorithm's own.
        fallbacks: whether, with family and algorithm left open, a richer answer is looked for where a posterior is not
            to be trusted (`result_.verdict`).
        random_state: an integer, a NumPy `RandomState` or None: seed of the draws that predictions are made of.

    Attributes:
        coef_: `[d]`, posterior means, for the columns in their own units.
        intercept_: posterior mean; 0 without an intercept.
        coef_sd_: `[d]`, posterior standard deviations of `coef_`.
        intercept_sd_: that of `intercept_`.
        elbo_: the ELBO, in nats for all rows.
        n_iter_: steps.
        n_features_in_: d.
        feature_names_in_: `[d]`, names of the columns, where X had them.
        result_: the fit: `result_.summary()`, `result_.variances()` with the residual sd, `result_.verdict`, ...

    Raises:
        ValueError: data that cannot be used, by scikit-learn's rules; a y that is constant.

    Example:
        >>> import numpy as np
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
        >>> model = BayesianLinearRegression().fit(X, [0.1, 0.9, 2.1, 2.9, 4.0])
        >>> mean, sd = model.predict([[5.0]], return_std=True)
        >>> mean.round(1).tolist(), bool(0.1 < sd[0] < 0.6)
        ([4.9], True)
    """

    def __init__(
        self,
        prior: Any = None,
        *,
        likelihood: str = "gaussian",
        family: Any = None,
        algorithm: Any = None,
        fit_intercept: bool = True,
        steps: int | None = None,
        fallbacks: bool = False,
        random_state: Any = 0,
    ):
        super().__init__(
            prior,
            family=family,
            algorithm=algorithm,
            fit_intercept=fit_intercept,
            steps=steps,
            fallbacks=fallbacks,
            random_state=random_state,
        )
        self.likelihood = likelihood

    def _seen(self, y, weights):
        name = find(self.likelihood, LIKELIHOODS) if isinstance(self.likelihood, str) else None
        if name is None:
            raise ArgumentError(f"likelihood={unknown(self.likelihood, LIKELIHOODS)}.")
        return observed(ResponseRows(TARGET, pl.Series(TARGET, y, pl.Float64)), name, weights=weights)
