"""Twenty posteriors that tuned no threshold: each is a product of densities whose moments are closed."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jax.scipy.stats import norm

from taut.models import LogDensity, positive, real, simplex, unit_interval

from .densities import gamma, normal
from .target import Target, known

COUNTS = np.array([0, 0, 1, 3, 0, 7, 2, 12, 1, 0, 5, 4, 0, 25, 2, 1, 0, 9, 3, 6])
TRIES = np.array([5, 8, 4, 20, 6, 9, 30, 3, 12, 7, 15, 10, 2, 40, 11])
HITS = np.array([0, 1, 4, 7, 3, 0, 18, 1, 12, 2, 9, 5, 0, 1, 6])


def product(
    name: str,
    log_joint: Callable[[Any], Any],
    parameters: Mapping[str, Any],
    moments: Mapping[str, tuple[Any, Any]],
    *tags: str,
) -> Target:
    """A normalised density with the mean and the variance of each unknown."""
    mean = {unknown: np.asarray(m, float) for unknown, (m, _) in moments.items()}
    sd = {unknown: np.sqrt(np.asarray(v, float)) for unknown, (_, v) in moments.items()}
    model = LogDensity(log_joint, parameters=dict(parameters))
    return known(name, model, mean=mean, sd=sd, log_normaliser=0.0, tags={"fresh", *tags}, how="closed")


def gamma_product(name: str, unknown: str, shape: Any, rate: float) -> Target:
    """Independent gamma variables."""

    def log_joint(v):
        x = v[unknown]
        return jnp.sum(shape * math.log(rate) - gammaln(shape) + (shape - 1) * jnp.log(x) - rate * x)

    return product(
        name, log_joint, {unknown: positive(len(shape))}, {unknown: (shape / rate, shape / rate**2)}, "skewed"
    )


def beta_product(name: str, a: Any, b: Any) -> Target:
    """Independent beta variables."""
    log_constant = float(jnp.sum(gammaln(a + b) - gammaln(a) - gammaln(b)))

    def log_joint(v):
        return jnp.sum((a - 1) * jnp.log(v["p"]) + (b - 1) * jnp.log1p(-v["p"])) + log_constant

    moments = {"p": (a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1)))}
    return product(name, log_joint, {"p": unit_interval(len(a))}, moments, "skewed")


def exponential() -> Target:
    """One positive unknown, Exponential(2)."""
    return product("exponential", lambda v: math.log(2) - 2 * v["x"], {"x": positive()}, {"x": (0.5, 0.25)}, "skewed")


def half_normal() -> Target:
    """One positive unknown, |N(0, 3)|."""

    def log_joint(v):
        return normal(v["x"], 0.0, 3.0) + math.log(2)

    moments = {"x": (3 * math.sqrt(2 / math.pi), 9 * (1 - 2 / math.pi))}
    return product("half-normal", log_joint, {"x": positive()}, moments, "skewed")


def gammas() -> Target:
    """Eight gamma variables, from very skewed to nearly normal."""
    return gamma_product("gammas", "x", np.geomspace(0.7, 20, 8), 2.0)


def betas() -> Target:
    """Six beta variables."""
    return beta_product("betas", np.array([1.0, 2, 0.8, 5, 30, 1]), np.array([1.0, 5, 3, 5, 4, 9]))


def dirichlet() -> Target:
    """Shares of five parts."""
    a = np.array([0.8, 2.0, 3.0, 5.0, 10.0])
    log_constant = float(gammaln(a.sum()) - jnp.sum(gammaln(a)))

    def log_joint(v):
        return jnp.sum((a - 1) * jnp.log(v["p"])) + log_constant

    mean = a / a.sum()
    moments = {"p": (mean, mean * (1 - mean) / (a.sum() + 1))}
    return product("dirichlet", log_joint, {"p": simplex(5)}, moments, "skewed")


def normal_variance() -> Target:
    """Mean and variance of normal data: s2 ~ InverseGamma(4, 3), m ~ N(1, s2 / 5)."""

    def log_joint(v):
        s2 = v["s2"]
        return gamma(1 / s2, 4.0, 3.0) - 2 * jnp.log(s2) + normal(v["m"], 1.0, jnp.sqrt(s2 / 5))

    parameters, moments = {"m": real(), "s2": positive()}, {"m": (1.0, 1 / 5), "s2": (1.0, 0.5)}
    return product("normal-variance", log_joint, parameters, moments, "heavy-tailed")


def conjugate_regression() -> Target:
    """Ten coefficients given the variance, which is InverseGamma(8, 7), as 16 residuals would leave it."""
    random = np.random.default_rng(7)
    root = np.tril(random.normal(size=(10, 10)), -1) * 0.2 + np.diag(np.geomspace(0.3, 2, 10))
    whiten, mean = np.linalg.inv(root), random.normal(size=10)
    log_det = float(np.log(np.diag(root)).sum())

    def log_joint(v):
        s2 = v["s2"]
        u = whiten @ (v["b"] - mean)
        return gamma(1 / s2, 8.0, 7.0) - 2 * jnp.log(s2) + jnp.sum(normal(u, 0.0, jnp.sqrt(s2))) - log_det

    moments = {"b": (mean, (root**2).sum(1)), "s2": (1.0, 1 / 6)}
    return product("conjugate-regression", log_joint, {"b": real(10), "s2": positive()}, moments, "heavy-tailed")


def skew_normals() -> Target:
    """Four skew-normal variables."""
    slant = np.array([0.0, 1.0, 3.0, -6.0])
    delta = slant / np.sqrt(1 + slant**2)

    def log_joint(v):
        return jnp.sum(math.log(2) + normal(v["x"]) + norm.logcdf(slant * v["x"]))

    moments = {"x": (delta * np.sqrt(2 / np.pi), 1 - 2 * delta**2 / np.pi)}
    return product("skew-normals", log_joint, {"x": real(4)}, moments, "skewed")


def log_normals() -> Target:
    """Three positive unknowns whose logarithms are correlated normals."""
    root = np.array([[0.6, 0.0, 0.0], [0.3, 0.4, 0.0], [-0.2, 0.5, 0.5]])
    whiten, cov = np.linalg.inv(root), root @ root.T
    log_det = float(np.log(np.diag(root)).sum())

    def log_joint(v):
        y = jnp.log(v["x"])
        return jnp.sum(normal(whiten @ y)) - log_det - jnp.sum(y)

    mean = np.exp(0.5 * np.diag(cov))
    return product("log-normals", log_joint, {"x": positive(3)}, {"x": (mean, mean**2 * np.expm1(np.diag(cov)))})


def weibulls() -> Target:
    """Three Weibull variables."""
    shape = np.array([0.8, 1.5, 3.0])

    def log_joint(v):
        return jnp.sum(jnp.log(shape) + (shape - 1) * jnp.log(v["x"]) - v["x"] ** shape)

    first, second = (np.array([math.gamma(1 + k / c) for c in shape]) for k in (1, 2))
    return product("weibulls", log_joint, {"x": positive(3)}, {"x": (first, second - first**2)}, "skewed")


def logistics() -> Target:
    """Ten logistic variables, of tails between a normal's and a Laplace's."""
    scale = np.geomspace(0.1, 10, 10)

    def log_joint(v):
        u = v["x"] / scale
        return jnp.sum(-u - 2 * jax.nn.softplus(-u) - jnp.log(scale))

    moments = {"x": (np.zeros(10), scale**2 * np.pi**2 / 3)}
    return product("logistics", log_joint, {"x": real(10)}, moments, "heavy-tailed")


def laplaces() -> Target:
    """Four Laplace variables: a kink at the mode."""

    def log_joint(v):
        return jnp.sum(-jnp.abs(v["x"]) - math.log(2))

    return product("laplaces", log_joint, {"x": real(4)}, {"x": (np.zeros(4), np.full(4, 2.0))}, "heavy-tailed")


def gumbels() -> Target:
    """Five Gumbel variables."""
    scale = np.geomspace(0.5, 5, 5)

    def log_joint(v):
        u = v["x"] / scale
        return jnp.sum(-u - jnp.exp(-u) - jnp.log(scale))

    moments = {"x": (np.euler_gamma * scale, np.pi**2 / 6 * scale**2)}
    return product("gumbels", log_joint, {"x": real(5)}, moments, "skewed")


def bent_chain() -> Target:
    """x ~ N(0, 1), y ~ N(x^2, 0.7), z ~ N(y / 2, 1)."""

    def log_joint(v):
        return normal(v["x"]) + normal(v["y"], v["x"] ** 2, 0.7) + normal(v["z"], 0.5 * v["y"])

    variance = 0.49 + 2
    moments = {"x": (0.0, 1.0), "y": (1.0, variance), "z": (0.5, 1 + variance / 4)}
    return product("bent-chain", log_joint, {name: real() for name in "xyz"}, moments, "banana")


def mild_funnel() -> Target:
    """v ~ N(0, 1), five x ~ N(0, exp(v / 2)): the scale of a hierarchy that the data tell something of."""

    def log_joint(v):
        return normal(v["v"]) + jnp.sum(normal(v["x"], 0.0, jnp.exp(0.5 * v["v"])))

    moments = {"v": (0.0, 1.0), "x": (np.zeros(5), np.full(5, math.exp(0.5)))}
    return product("mild-funnel", log_joint, {"v": real(), "x": real(5)}, moments, "funnel")


def poisson_rates() -> Target:
    """Twenty rates under a Gamma(1, 1/2) prior, six of them of no count at all."""
    return gamma_product("poisson-rates", "r", 1.0 + COUNTS, 1.5)


def binomial_shares() -> Target:
    """Fifteen shares under a flat prior, some of none and some of all."""
    return beta_product("binomial-shares", 1.0 + HITS, 1.0 + TRIES - HITS)


def near_modes() -> Target:
    """Two normal components of equal weight, four sds apart."""
    where = np.array([[-2.0, 0.0, 0.0], [2.0, 0.0, 0.0]])

    def log_joint(v):
        return jax.nn.logsumexp(jnp.sum(normal(v["x"][None], where), 1)) - math.log(2)

    return product(
        "near-modes", log_joint, {"x": real(3)}, {"x": (np.zeros(3), np.array([5.0, 1, 1]))}, "several modes"
    )


def autoregressive() -> Target:
    """A hundred steps of an autoregression of 0.95."""
    step = math.sqrt(1 - 0.95**2)

    def log_joint(v):
        x = v["x"]
        return normal(x[0]) + jnp.sum(normal(x[1:], 0.95 * x[:-1], step))

    moments = {"x": (np.zeros(100), np.ones(100))}
    return product("autoregressive-100", log_joint, {"x": real(100)}, moments, "gaussian-fits")


def shared_rate() -> Target:
    """A rate r ~ Gamma(4, 1) and six waiting times, each Exponential(r)."""

    def log_joint(v):
        return gamma(v["r"], 4.0, 1.0) + jnp.sum(jnp.log(v["r"]) - v["r"] * v["t"])

    first, second = 1 / 3, 2 / (3 * 2)
    moments = {"r": (4.0, 4.0), "t": (np.full(6, first), np.full(6, second - first**2))}
    return product("shared-rate", log_joint, {"r": positive(), "t": positive(6)}, moments, "heavy-tailed", "hierarchy")


FRESH: dict[str, Callable[[], Target]] = {
    "exponential": exponential,
    "half-normal": half_normal,
    "gammas": gammas,
    "betas": betas,
    "dirichlet": dirichlet,
    "normal-variance": normal_variance,
    "conjugate-regression": conjugate_regression,
    "skew-normals": skew_normals,
    "log-normals": log_normals,
    "weibulls": weibulls,
    "logistics": logistics,
    "laplaces": laplaces,
    "gumbels": gumbels,
    "bent-chain": bent_chain,
    "mild-funnel": mild_funnel,
    "poisson-rates": poisson_rates,
    "binomial-shares": binomial_shares,
    "near-modes": near_modes,
    "autoregressive-100": autoregressive,
    "shared-rate": shared_rate,
}
