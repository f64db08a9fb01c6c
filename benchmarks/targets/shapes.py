"""Shapes that no Gaussian has: heavy tails, bends, funnels, separate modes. All moments are closed."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from taut.models import LogDensity, real

from .densities import normal
from .target import Target, known


def student_t(dim: int = 5, nu: float = 5.0) -> Target:
    """A multivariate Student-t: E x = m, cov x = nu / (nu - 2) S."""
    mean = np.linspace(-2, 2, dim)
    sd = np.geomspace(0.5, 2, dim)
    scale = 0.5 ** np.abs(np.subtract.outer(np.arange(dim), np.arange(dim))) * np.outer(sd, sd)
    whiten = np.linalg.inv(np.linalg.cholesky(scale))
    constant = (
        math.lgamma((nu + dim) / 2)
        - math.lgamma(nu / 2)
        - 0.5 * dim * math.log(nu * math.pi)
        + float(np.log(np.diag(whiten)).sum())
    )

    def log_joint(v):
        return constant - 0.5 * (nu + dim) * jnp.log1p(jnp.sum((whiten @ (v["x"] - mean)) ** 2) / nu)

    return known(
        "student-t",
        LogDensity(log_joint, parameters={"x": real(dim)}),
        mean={"x": mean},
        sd={"x": sd * math.sqrt(nu / (nu - 2))},
        log_normaliser=0.0,
        tags={"heavy-tailed"},
        how="closed",
    )


def banana(bend: float = 1.0, width: float = 0.5) -> Target:
    """x ~ N(0, 1), y ~ N(bend x^2, width): E y = bend, var y = width^2 + 2 bend^2."""

    def log_joint(v):
        return normal(v["x"]) + normal(v["y"], bend * v["x"] ** 2, width)

    return known(
        "banana",
        LogDensity(log_joint, parameters={"x": real(), "y": real()}),
        mean={"x": 0.0, "y": bend},
        sd={"x": 1.0, "y": math.sqrt(width**2 + 2 * bend**2)},
        log_normaliser=0.0,
        tags={"banana"},
        how="closed",
    )


def funnel(dim: int = 10) -> Target:
    """The funnel of R. Neal (Slice Sampling, 2003): v ~ N(0, 3), each x ~ N(0, exp(v/2)), so that var x = exp(9/2)."""

    def log_joint(v):
        return normal(v["v"], 0.0, 3.0) + jnp.sum(normal(v["x"], 0.0, jnp.exp(0.5 * v["v"])))

    return known(
        "funnel",
        LogDensity(log_joint, parameters={"v": real(), "x": real(dim - 1)}),
        mean={"v": 0.0, "x": np.zeros(dim - 1)},
        sd={"v": 3.0, "x": np.full(dim - 1, math.exp(9 / 4))},
        log_normaliser=0.0,
        tags={"funnel", "heavy-tailed"},
        how="closed",
    )


def two_modes(weight: float = 0.7, apart: float = 10.0) -> Target:
    """Two unit Gaussians in two dimensions, `apart` sd from each other, unequally heavy."""
    where = np.array([[0.0, 0.0], [apart, 0.0]])
    weights = np.array([weight, 1 - weight])

    def log_joint(v):
        return jax.scipy.special.logsumexp(jnp.sum(normal(v["x"] - where), -1) + np.log(weights))

    mean = weights @ where
    return known(
        "two-modes",
        LogDensity(log_joint, parameters={"x": real(2)}),
        mean={"x": mean},
        sd={"x": np.sqrt(1 + weights @ (where - mean) ** 2)},
        log_normaliser=0.0,
        tags={"several modes"},
        how="closed",
    )
