"""What every regression is: a table (X, y), a linear predictor X z, a likelihood of y given each predictor."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.names import brief
from taut.errors import ArgumentError
from taut.models.base import ClosedLikelihood, Model
from taut.models.given_prior import WANTED, as_prior
from taut.models.likelihoods import Likelihood
from taut.models.prior import Normal, Prior


class TableRegression(Model, ClosedLikelihood):
    r"""p(y|x, z) = p(y|\eta) with the linear predictor \(\eta = x^\top z\), and a posterior over every coefficient.

    Data are `(X, y)`: X `[n, d]` without a column of ones. z is the vector of coefficients on the standardised columns,
    the intercept first. A regression of another likelihood says four things: its `name`, its `target`, its likelihood,
    and what it predicts.

    Attributes:
        prior: of the coefficients on the standardised columns, the intercept included; default Normal(0, 1). A
            `numpyro.distributions` distribution over real numbers serves as well. "empirical" is a normal prior whose
            scale maximises the ELBO, see `taut.models.Empirical`.
        standardise: scale each column to mean 0 and population standard deviation 1; undone in reports.
        intercept: put a column of ones in front.
        likelihood: p(y|eta).
        target: How the target becomes y: "labels" (two of any kind, as 0 and 1) or "numbers" (as they are).
        scale: Name of the scale that the coefficients are on, for tables and figures.
    """

    kind: ClassVar[str] = "regression"
    start_sd: ClassVar[float] = 1.0
    smooth: ClassVar[bool] = True
    likelihood: ClassVar[Likelihood]
    target: ClassVar[str]
    scale: ClassVar[str]
    prior: Prior = eqx.field(default=Normal(0.0, 1.0), converter=as_prior)
    standardise: bool = eqx.field(static=True, default=True)
    intercept: bool = eqx.field(static=True, default=True)

    @property
    def offers(self):
        """A linear predictor with closed expectations."""
        own = {Capability.DIFFERENTIABLE, Capability.CLOSED_LIKELIHOOD, Capability.LINEAR_PREDICTOR}
        likelihood: Any = getattr(self, "likelihood", None)  # a regression of one's own may have none
        concave = likelihood is not None and likelihood.log_concave and Capability.GAUSSIAN_PRIOR in self.prior.offers
        return frozenset(own) | self.prior.offers | ({Capability.LOG_CONCAVE} if concave else set())

    @property
    def closed_form_needs(self):
        """Each predictor is one-dimensional and Gaussian under q: its mean and variance are all that is needed."""
        return frozenset({Capability.PREDICTOR_MOMENTS})

    def __check_init__(self):
        for name in ("standardise", "intercept"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ArgumentError(f"{name}={brief(getattr(self, name))}: True or False is needed.")
        if self.prior.binary:
            raise ArgumentError(
                f"prior={type(self.prior).__name__} is over zeros and ones, and coefficients are real numbers: "
                f"{WANTED}."
            )

    def check_data(self, rows, dtype):
        """Refuse a prior over another number of coefficients."""
        self.prior.check_size(self.dim(rows))

    def dim(self, rows: Any) -> int:
        """Number of coefficients: columns of the design matrix."""
        return rows[0].shape[-1]

    def predictor(self, rows: Any) -> Float[Array, "R D"]:
        """The matrix X through which the likelihood sees the coefficients."""
        return rows[0]

    def log_likelihood(self, z, rows):
        """log p(y_r|x_r, z), in nats."""
        X, y = rows
        return self.log_prob(X @ z, y)

    def expected_log_likelihood(self, q, rows):
        """E_q[log p(y_r|x_r, z)], in nats."""
        m, v = q.predictor_moments(self.predictor(rows))
        return self.expectation(m, v, rows)

    def predict(self, q: Any, X: Float[Array, "R D"], level: float = 0.95) -> Any:
        """The posterior predictive at the rows of the design matrix X, columns `[R]` by name."""
        m, v = q.predictor_moments(X)
        return self.predictive(m, v, level)

    def log_prob(self, eta: Float[Array, " R"], y: Any) -> Float[Array, " R"]:
        """log p(y|eta), in nats."""
        return self.likelihood.log_prob(eta, y)

    def expectation(self, m: Float[Array, " R"], v: Float[Array, " R"], rows: Any) -> Float[Array, " R"]:
        """E log p(y|eta) for predictors eta ~ N(m, v), in nats."""
        return self.likelihood.expected_log_prob(m, v, rows[1])

    def draw(self, key: PRNGKeyArray, eta: Float[Array, " R"]) -> Float[Array, " R"]:
        """Draws of y from p(y|eta), for `taut calibrate`."""
        return self.likelihood.sample(key, eta)

    def predictive_of_draws(self, eta: Float[np.ndarray, "R S"], level: float) -> Any:
        """What is predicted for S equally likely values of each predictor, for a posterior that is no Gaussian.

        Here by their means and variances; a regression that can say it exactly does so.

        Args:
            eta: The values, in host memory.
            level: Probability of the interval.
        """
        return self.predictive(jnp.asarray(eta.mean(1)), jnp.asarray(eta.var(1)), level)

    @abc.abstractmethod
    def predictive(self, m: Float[Array, " R"], v: Float[Array, " R"], level: float) -> Any:
        """What is predicted for predictors eta ~ N(m, v): a named tuple of columns `[R]`.

        Args:
            m: Means.
            v: Variances.
            level: Probability of the interval.
        """
