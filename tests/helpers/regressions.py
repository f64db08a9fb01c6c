"""Exact moments of a logistic regression's posterior, by importance sampling from a Student-t around its mode."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln


def gaussian_prior(scale):
    """log p of coefficients `[S, D]` under independent N(0, scale^2), up to a constant."""
    return lambda b: -0.5 * np.sum((b / scale) ** 2, axis=-1)


def laplace_prior(scale):
    """log p of coefficients under independent Laplace(0, scale)."""
    return lambda b: -np.sum(np.abs(b), axis=-1) / scale


def student_prior(degrees):
    """log p of coefficients under independent Student-t."""
    return lambda b: -0.5 * (degrees + 1) * np.sum(np.log1p(b**2 / degrees), axis=-1)


class Exact(NamedTuple):
    """Weighted draws of the posterior on the standardised scale.

    Attributes:
        draws: `[S, D]`.
        weights: `[S]`, which sum to 1.
    """

    draws: np.ndarray
    weights: np.ndarray

    @property
    def size(self):
        """The number of independent draws that they are worth."""
        return 1 / np.sum(self.weights**2)

    @property
    def mean(self):
        """Posterior means."""
        return self.weights @ self.draws

    @property
    def sd(self):
        """Posterior standard deviations."""
        return np.sqrt(self.weights @ (self.draws - self.mean) ** 2)

    def quantiles(self, levels):
        """Quantiles `[levels, D]`."""
        columns = []
        for x in self.draws.T:
            order = np.argsort(x)
            columns.append(np.interp(levels, np.cumsum(self.weights[order]), x[order]))
        return np.stack(columns, axis=1)


def exact(X, y, log_prior, seed=0, count=20000, degrees=5.0):
    """Importance sampling for the design matrix `X` `[n, D]` (standardised, with its ones) and `y` of 0 and 1.

    The second of two rounds draws around the weighted moments of the first.
    """
    rng = np.random.default_rng(seed)

    def log_p(b):
        eta = X @ b.T
        return y @ eta - np.logaddexp(0, eta).sum(0) + log_prior(b)

    D = X.shape[1]
    center = minimize(lambda b: -log_p(b[None])[0], np.zeros(D)).x
    p = expit(X @ center)
    covariance = 1.3 * np.linalg.inv((X.T * (p * (1 - p))) @ X + np.eye(D) / np.exp(1))
    for _ in range(3):
        e = rng.standard_normal((count, D)) / np.sqrt(rng.chisquare(degrees, count) / degrees)[:, None]
        factor = np.linalg.cholesky(covariance)
        draws = center + e @ factor.T
        log_q = -0.5 * (degrees + D) * np.log1p((e**2).sum(1) / degrees) - np.log(np.diag(factor)).sum()
        log_q += gammaln((degrees + D) / 2) - gammaln(degrees / 2) - 0.5 * D * np.log(degrees * np.pi)
        log_p_at = np.concatenate([log_p(draws[i : i + 500]) for i in range(0, count, 500)])
        w = np.exp(log_p_at - log_q - np.max(log_p_at - log_q))
        found = Exact(draws, w / w.sum())
        center, covariance = found.mean, np.cov(draws.T, aweights=found.weights)
    return found
