"""Bayesian logistic regression, the lab's first case study."""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float
from scipy.special import expit

from taut.models.likelihoods import Bernoulli, Likelihood
from taut.models.table_regression import TableRegression


class Prediction(NamedTuple):
    """Posterior predictive of each row: what to expect, and how sure the posterior is of it.

    Attributes:
        probability: `[R]`, P(y = 1|x), the posterior mean of p = sigmoid(x'w).
        sd: `[R]`, posterior standard deviation of p.
        lower: `[R]`, lower end of the equal-tailed credible interval of p.
        upper: `[R]`, upper end.
    """

    probability: Float[Array, " R"]
    sd: Float[Array, " R"]
    lower: Float[Array, " R"]
    upper: Float[Array, " R"]


class LogisticRegression(TableRegression):
    r"""Binary classification with a posterior over every weight.

    .. math:: p(y|x, w) = \sigma(x^\top w)^y (1 - \sigma(x^\top w))^{1-y}, \qquad w \sim p(w)

    Data are `(X, y)`: X `[n, d]` without a column of ones, y of any two labels. z is the weight vector w, the
    intercept first.

    Attributes:
        prior: of the weights on the standardised columns, the intercept included; default Normal(0, 1). A
            `numpyro.distributions` distribution over real numbers serves as well, e.g. Laplace(0, 1). "empirical" is a
            normal prior whose scale maximises the ELBO, see `taut.models.Empirical`.
        standardise: scale each column to mean 0 and population standard deviation 1; undone in reports.
        intercept: put a column of ones in front.

    Example:
        >>> model = LogisticRegression()
        >>> rows = (jnp.array([[1.0, 2.0]]), jnp.array([1.0]))
        >>> round(float(model.log_likelihood(jnp.array([0.0, 0.5]), rows)[0]), 4)
        -0.3133

    Source: T. Jaakkola and M. Jordan, A Variational Approach to Bayesian Logistic Regression Models and their
    Extensions, 1997 (the problem); the expectations are exact here, not bounded.
    """

    name: ClassVar[str] = "logistic regression"
    likelihood: ClassVar[Likelihood] = Bernoulli()
    target: ClassVar[str] = "labels"
    scale: ClassVar[str] = Bernoulli.scale

    def predictive_of_draws(self, eta, level):
        """Moments and quantiles of the probabilities themselves."""
        p = expit(eta)
        return Prediction(p.mean(1), p.std(1), *np.quantile(p, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=1))

    def predictive(self, m, v, level):
        """The probability of y = 1; quantiles of sigmoid(eta) are sigmoids of quantiles of eta."""
        half = ndtri(0.5 + 0.5 * level) * jnp.sqrt(v)
        ends = (self.likelihood.mean(end) for end in (m - half, m + half))
        return Prediction(*self.likelihood.response(m, v), *ends)
