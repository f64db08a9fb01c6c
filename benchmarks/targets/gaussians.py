"""Targets that a Gaussian fits exactly, or nearly: everything is closed."""

import math

import jax.numpy as jnp
import numpy as np
from scipy.special import digamma, polygamma

from taut.models import LogDensity, real

from .densities import normal
from .target import Target, known


def one_liner() -> Target:
    """A normal whose mean is 8: with its default settings a tool of great renown answers 3.1."""
    model = LogDensity(lambda v: normal(v["mu"], 8.0), parameters={"mu": real()})
    return known(
        "one-liner", model, mean={"mu": 8.0}, sd={"mu": 1.0}, log_normaliser=0.0, tags={"gaussian-fits"}, how="closed"
    )


def gaussian(dim: int = 50, condition: float = 1e4) -> Target:
    """A Gaussian whose covariance has eigenvalues from 1/sqrt(condition) to sqrt(condition), in turned axes."""
    random = np.random.default_rng(50)
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    scale = np.geomspace(condition**-0.25, condition**0.25, dim)
    mean, whiten = 3 * random.normal(size=dim), (turn / scale).T

    def log_joint(v):
        return jnp.sum(normal(whiten @ (v["x"] - mean))) - float(np.log(scale).sum())

    covariance = (turn * scale**2) @ turn.T
    return known(
        "gaussian-50",
        LogDensity(log_joint, parameters={"x": real(dim)}),
        mean={"x": mean},
        sd={"x": np.sqrt(np.diag(covariance))},
        log_normaliser=0.0,
        tags={"gaussian-fits", "scales"},
        how="closed",
    )


def log_gamma(shape: float, name: str, tags: set[str]) -> Target:
    """The logarithm of a Gamma variable, an exponential tail to the left.

    The weights' tail makes k-hat exceed 0.7 however good the fit: with shape 20 that alarm is false.
    """
    model = LogDensity(lambda v: shape * v["x"] - jnp.exp(v["x"]) - math.lgamma(shape), parameters={"x": real()})
    return known(
        name,
        model,
        mean={"x": digamma(shape)},
        sd={"x": math.sqrt(polygamma(1, shape))},
        log_normaliser=0.0,
        tags=tags,
        how="closed",
    )
