"""What a part can do and what it asks of the others, as sets: a pair is valid if `needs - offers` is empty."""

import enum
from collections.abc import Iterable


class Capability(enum.Enum):
    """One thing that a model, family, objective or prior may offer; the value is its sentence in an error message."""

    REPARAMETRISED = "a family whose draws are a differentiable function of fixed noise"
    MOMENTS = "a family with closed mean and variance"
    PREDICTOR_MOMENTS = "a family with closed mean and variance of linear predictors"
    FACTORISED = "a family and a prior with independent coordinates, so that the closed KL is a sum over them"
    CLOSED_ENTROPY = "a family with a closed entropy"
    PRECISION = "a family that can be set from a mean and a precision matrix (a Gaussian)"
    COVARIANCE = "a family with closed mean and covariance"
    WEAK_DERIVATIVES = "a family that knows its parameters' derivatives as differences of distributions"
    FINITE = "a discrete family whose outcomes can be listed"
    BINARY = "a family of independent binary coordinates"
    RELAXED = "a discrete family with a continuous relaxation"
    UNIFORM_NOISE = "a family whose noise is made of one uniform number a coordinate"
    NORMAL_NOISE = "a family whose noise is one standard normal number a coordinate"
    DIFFERENTIABLE = "a model whose log density is differentiable in the unknown"
    CLOSED_LIKELIHOOD = "a model with E_q[log p(x|z)] in closed form"
    LINEAR_PREDICTOR = "a model that sees its unknown through linear predictors"
    GAUSSIAN_GIVEN_SCALES = "a regression whose coefficients and effects are Gaussian given a few scales"
    CLOSED_PRIOR = "a prior with E_q[log p(z)] in closed form"
    GAUSSIAN_PRIOR = "a Gaussian prior"
    LOG_CONCAVE = "a model whose log density is concave, so that it has one optimum"
    LOG_WEIGHTS = "an objective that is a smooth function of the draws' log densities"
    MEAN_OVER_DRAWS = "an objective that is a mean over draws (not a function of several at once)"
    EVIDENCE_BOUND = "the plain ELBO as the objective"


def sentence(missing: Iterable[Capability]) -> str:
    """The missing capabilities as one readable phrase, in the order of the enumeration."""
    missing = set(missing)
    return " and ".join(c.value for c in Capability if c in missing)
