"""Each likelihood written a second time, in NumPy and SciPy, and its expectations by dense quadrature."""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import stats
from scipy.special import digamma, expit, gammaln, polygamma

from taut.models import likelihoods

POINTS, WEIGHTS = np.polynomial.legendre.leggauss(20)


@dataclasses.dataclass(frozen=True)
class Twin:
    """A likelihood and its second writing.

    Attributes:
        make: The likelihood.
        values: Values of its own parameters, several.
        ys: Observations; tuples where y has two parts.
        log_p: (eta, y, values) -> log p, its first and its second derivative in eta.
        near: (y, values) -> place and width of a narrow part of it, for the quadrature.
        tilt: (values) -> largest slope of an exponential in it, which moves the mass by as many variances.
        distribution: (eta, y, values) -> frozen SciPy distribution; the y says the trials.
    """

    make: likelihoods.Likelihood
    values: tuple[dict, ...]
    ys: tuple
    log_p: Callable
    distribution: Callable | None
    near: Callable | None = None
    tilt: Callable = lambda values: 0.0


def bernoulli(eta, y, values):
    return y * eta - np.logaddexp(0, eta), y - expit(eta), -expit(eta) * expit(-eta)


def binomial(eta, y, values):
    s, n = y
    p = expit(eta)
    ways = gammaln(n + 1) - gammaln(s + 1) - gammaln(n - s + 1)
    return s * eta - n * np.logaddexp(0, eta) + ways, s - n * p, -n * p * expit(-eta)


def gaussian(eta, y, values):
    s = values["sigma"]
    d = (y - eta) / s
    return stats.norm.logpdf(d) - np.log(s), d / s, np.full_like(eta, -1 / s**2)


def student_t(eta, y, values):
    nu, s = values["nu"], values["sigma"]
    d = y - eta
    w = nu * s**2 + d**2
    return stats.t.logpdf(d / s, nu) - np.log(s), (nu + 1) * d / w, (nu + 1) * (2 * d**2 / w - 1) / w


def poisson(eta, y, values):
    mu = np.exp(eta)
    return y * eta - mu - gammaln(y + 1), y - mu, -mu


def negative_binomial(eta, y, values):
    phi = values["phi"]
    logit = eta - np.log(phi)
    p = expit(logit)
    # The rising factorial as a sum of logarithms, which loses no digits where phi is large.
    ways = sum(np.log1p(k / phi) for k in range(int(y))) - gammaln(y + 1)
    return y * eta - (y + phi) * np.logaddexp(0, logit) + ways, y - (y + phi) * p, -(y + phi) * p * expit(-logit)


def ordinal(eta, y, values):
    c, y = np.concatenate([[-np.inf], values["threshold"], [np.inf]]), int(y)
    lower, upper = c[y] - eta, c[y + 1] - eta
    width = np.log(-np.expm1(c[y] - c[y + 1]))
    log_p = width - np.logaddexp(0, -upper) - np.logaddexp(0, lower)
    bend = -expit(upper) * expit(-upper) - expit(lower) * expit(-lower)
    return log_p, expit(lower) - expit(-upper), bend


def gamma(eta, y, values):
    k = values["shape"]
    ratio = np.exp(np.log(y) - eta)
    return k * (np.log(k * y) - eta - ratio) - gammaln(k) - np.log(y), k * (ratio - 1), -k * ratio


def beta(eta, y, values):
    k = values["precision"]
    mu = expit(eta)
    a, b = k * mu, k * expit(-eta)
    tiny = np.finfo(float).tiny
    a, b = np.maximum(a, tiny), np.maximum(b, tiny)
    log_p = gammaln(k) - gammaln(a) - gammaln(b) + (a - 1) * np.log(y) + (b - 1) * np.log1p(-y)
    pull = np.log(y) - np.log1p(-y) + digamma(b) - digamma(a)
    rate = mu * expit(-eta)
    bend = k * rate * (expit(-eta) - mu) * pull - (k * rate) ** 2 * (polygamma(1, a) + polygamma(1, b))
    return log_p, k * rate * pull, bend


def weibull(eta, y, values):
    t, event = y
    k = values.get("shape", 1.0)
    hazard = np.exp(k * (np.log(t) - eta))
    return event * (np.log(k) + (k - 1) * np.log(t) - k * eta) - hazard, k * (hazard - event), -(k**2) * hazard


TWINS = {
    "bernoulli": Twin(
        likelihoods.Bernoulli(), ({},), (0.0, 1.0), bernoulli, lambda eta, y, v: stats.bernoulli(expit(eta))
    ),
    "binomial": Twin(
        likelihoods.Binomial(),
        ({},),
        ((0.0, 1.0), (3.0, 7.0), (40.0, 40.0), (0.0, 1000.0), (300.0, 1000.0)),
        binomial,
        lambda eta, y, v: stats.binom(y[1], expit(eta)),
    ),
    "gaussian": Twin(
        likelihoods.Gaussian(),
        ({"sigma": 0.01}, {"sigma": 1.0}, {"sigma": 300.0}),
        (0.0, 2.5, -40.0),
        gaussian,
        lambda eta, y, v: stats.norm(eta, v["sigma"]),
    ),
    "student-t": Twin(
        likelihoods.StudentT(),
        tuple(
            {"nu": nu, "sigma": s}
            for nu, s in (
                (0.5, 1e-3),
                (0.5, 50.0),
                (1.0, 1.0),
                (4.0, 1e-3),
                (4.0, 1.0),
                (30.0, 50.0),
                (1e4, 1e-3),
                (1e4, 1.0),
            )
        ),
        (0.0, 2.5, -40.0),
        student_t,
        lambda eta, y, v: stats.t(v["nu"], eta, v["sigma"]),
        near=lambda y, v: (y, v["sigma"] * np.sqrt(v["nu"])),
    ),
    "poisson": Twin(
        likelihoods.Poisson(),
        ({},),
        (0.0, 1.0, 20.0, 3000.0),
        poisson,
        lambda eta, y, v: stats.poisson(np.exp(eta)),
        tilt=lambda v: 1.0,
    ),
    "negative-binomial": Twin(
        likelihoods.NegativeBinomial(),
        ({"phi": 0.05}, {"phi": 1.0}, {"phi": 12.0}, {"phi": 1e3}, {"phi": 1e6}),
        (0.0, 1.0, 20.0, 3000.0),
        negative_binomial,
        lambda eta, y, v: stats.nbinom(v["phi"], v["phi"] / (v["phi"] + np.exp(eta))),
    ),
    "ordinal": Twin(
        likelihoods.Ordinal(5),
        (
            {"threshold": np.array([-2.0, -0.5, 0.3, 4.0])},
            {"threshold": np.array([-20.0, -19.999, 0.0, 30.0])},
            {"threshold": np.array([-1e-4, 0.0, 1e-6, 1e-3])},
        ),
        (0.0, 1.0, 2.0, 4.0),
        ordinal,
        None,
    ),
    "gamma": Twin(
        likelihoods.Gamma(),
        ({"shape": 0.1}, {"shape": 1.0}, {"shape": 25.0}),
        (1e-3, 1.0, 700.0),
        gamma,
        lambda eta, y, v: stats.gamma(v["shape"], scale=np.exp(eta) / v["shape"]),
        tilt=lambda v: 1.0,
    ),
    "beta": Twin(
        likelihoods.Beta(),
        ({"precision": 0.3}, {"precision": 2.0}, {"precision": 30.0}, {"precision": 2000.0}),
        (1e-4, 0.2, 0.5, 0.97),
        beta,
        lambda eta, y, v: stats.beta(v["precision"] * expit(eta), v["precision"] * expit(-eta)),
    ),
    "exponential": Twin(
        likelihoods.Exponential(),
        ({},),
        ((0.01, 1.0), (3.0, 0.0), (200.0, 1.0)),
        weibull,
        lambda eta, y, v: stats.expon(scale=np.exp(eta)),
        tilt=lambda v: 1.0,
    ),
    "weibull": Twin(
        likelihoods.Weibull(),
        ({"shape": 0.4}, {"shape": 1.0}, {"shape": 2.0}),
        ((0.01, 1.0), (3.0, 0.0), (200.0, 1.0)),
        weibull,
        lambda eta, y, v: stats.weibull_min(v["shape"], scale=np.exp(eta)),
        tilt=lambda v: v["shape"],
    ),
}
"""By the likelihood's name."""


def by_quadrature(twin, m, v, y, values):
    """E log p, E of its slope and of minus its second derivative, by Gauss-Legendre on panels of the finest scale."""
    if v == 0:
        value, slope, bend = (np.asarray(x).item() for x in twin.log_p(np.array([m]), y, values))
        return value, slope, -bend
    sd, centre = np.sqrt(v), m - twin.tilt(values) * v / 2 * np.sign(1 if twin.make.name != "poisson" else -1)
    half = 12 * sd + twin.tilt(values) * v / 2
    edges = np.linspace(centre - half, centre + half, int(np.ceil(2 * half / min(0.5 * sd, 1.0))) + 1)
    if twin.near is not None:
        place, width = twin.near(y, values)
        edges = np.concatenate([edges, place + width * np.sinh(np.arange(-40, 41) / 2.0)])
        edges = np.unique(edges[(edges >= centre - half) & (edges <= centre + half)])
    middle, reach = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    eta = (middle[:, None] + reach[:, None] * POINTS).ravel()
    weights = (reach[:, None] * WEIGHTS).ravel() * np.exp(-0.5 * ((eta - m) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    value, slope, bend = twin.log_p(eta, y, values)
    kept = weights > 0  # 0 times infinity is nothing here
    return tuple(float(weights[kept] @ x[kept]) for x in (value, slope, -bend))


def stacked(ys):
    """Observations as arrays: one, or one for each part."""
    return tuple(np.array(part) for part in zip(*ys, strict=True)) if isinstance(ys[0], tuple) else np.array(ys)
