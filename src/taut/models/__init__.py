"""Sentence 1, define your model: what is unknown and how it makes the data."""

from taut.core.rooms import absent as _absent
from taut.models.adapters.from_numpyro import from_numpyro as from_numpyro
from taut.models.adapters.from_pymc import from_pymc as from_pymc
from taut.models.base import Model as Model
from taut.models.checks.check import Check as Check
from taut.models.empirical import Empirical as Empirical
from taut.models.expectations import expected_softplus as expected_softplus
from taut.models.expectations import logistic_expectations as logistic_expectations
from taut.models.horseshoe import Horseshoe as Horseshoe
from taut.models.latent import LatentVariableModel as LatentVariableModel
from taut.models.likelihoods import Gaussian as Gaussian
from taut.models.likelihoods import Likelihood as Likelihood
from taut.models.log_density import LogDensity as LogDensity
from taut.models.logistic import LogisticRegression as LogisticRegression
from taut.models.logistic import Prediction as Prediction
from taut.models.prior import BernoulliPrior as BernoulliPrior
from taut.models.prior import Independent as Independent
from taut.models.prior import LearnedNormal as LearnedNormal
from taut.models.prior import Normal as Normal
from taut.models.prior import Prior as Prior
from taut.models.regression import Regression as Regression
from taut.models.stated import Stated as Stated
from taut.models.support import Support as Support
from taut.models.supports import above as above
from taut.models.supports import below as below
from taut.models.supports import bounded as bounded
from taut.models.supports import correlation_factor as correlation_factor
from taut.models.supports import covariance_factor as covariance_factor
from taut.models.supports import ordered as ordered
from taut.models.supports import positive as positive
from taut.models.supports import positive_ordered as positive_ordered
from taut.models.supports import real as real
from taut.models.supports import simplex as simplex
from taut.models.supports import unit_interval as unit_interval
from taut.models.table_regression import TableRegression as TableRegression

__getattr__ = _absent(__name__)
