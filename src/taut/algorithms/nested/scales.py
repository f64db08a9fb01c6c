r"""The scales t of a mixed model: log sds, partial correlations and parameters of the likelihood, all unconstrained.

A factor with q columns has u ~ N(0, L L'), L = diag(sd) K, where K is the Cholesky factor of the correlation matrix and
is built from partial correlations z_ij = tanh(t), j < i:

    K_ij = z_ij prod_{l<j} sqrt(1 - z_il^2),    K_ii = prod_{l<i} sqrt(1 - z_il^2).

Under LKJ(eta) they are independent, (z_ij + 1) / 2 ~ Beta(b, b) with b = eta + (q - 2 - j) / 2 for the column j
counted from 0. With the Jacobian of tanh, log p(t) = b log(1 - z^2) - log B(b, b) - (2b - 1) log 2.

Sources: D. Lewandowski, D. Kurowicka and H. Joe, Generating random correlation matrices based on vines and extended
onion method, 2009.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.special import betaln

from taut.algorithms.nested.layout import Factor

FIRST_LOG_SD = -0.7
"""Where the search for an sd starts, in its factor's unit."""


class Likelihood(Protocol):
    """p(y given eta, phi) of all rows, in the order of `Layout.order`, for T values of phi at once."""

    parameters: int
    """The number of its own parameters phi, unconstrained."""

    def initial(self) -> np.ndarray:
        """`[L]`, where the search for phi starts."""
        ...

    def start(self) -> np.ndarray:
        """`[n]`, linear predictors near the data, where the first step is made from."""
        ...

    def expect(self, m: np.ndarray, v: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """E log p, E d/d eta log p and -E d2/d eta2 log p for eta ~ N(m, v): `[T, n]` each, phi `[T, L]`."""
        ...

    def log_prob(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """log p(y given eta, phi) of each row, `[T, n]`, eta `[T, n]`, phi `[T, L]`."""
        ...

    def log_prior(self, phi: np.ndarray) -> np.ndarray:
        """`[T]`, the log density of phi."""
        ...


class Scales:
    """Reads t `[T, K]`: for each factor its q log sds and q(q-1)/2 partial correlations, at the end phi.

    Args:
        factors: the factors in their listed order.
        likelihood: the likelihood whose parameters stand last.
    """

    def __init__(self, factors: Sequence[Factor], likelihood: Likelihood):
        self.factors, self.likelihood = tuple(factors), likelihood
        self.places, at = [], 0
        for factor in factors:
            q = factor.width
            self.places.append((slice(at, at + q), slice(at + q, at + q + q * (q - 1) // 2)))
            at += q + q * (q - 1) // 2
        self.own = slice(at, at + likelihood.parameters)
        self.size = at + likelihood.parameters

    def initial(self) -> np.ndarray:
        """Where the search for t starts, `[K]`."""
        t = np.zeros(self.size)
        for factor, (log_sds, _) in zip(self.factors, self.places, strict=True):
            t[log_sds] = FIRST_LOG_SD + np.log(factor.unit)
        t[self.own] = self.likelihood.initial()
        return t

    def phi(self, t: np.ndarray) -> np.ndarray:
        """The likelihood's parameters, `[T, L]`."""
        return t[:, self.own]

    def sds(self, t: np.ndarray, k: int) -> np.ndarray:
        """The sds of a factor, `[T, q]`."""
        return np.exp(t[:, self.places[k][0]])

    def natural(self, t: np.ndarray) -> np.ndarray:
        """t with sds in place of their logs and partial correlations in place of their t, `[T, K]`."""
        out = np.array(t, float)
        for log_sds, partial in self.places:
            out[:, log_sds], out[:, partial] = np.exp(t[:, log_sds]), np.tanh(t[:, partial])
        return out

    def correlations(self, t: np.ndarray, k: int) -> np.ndarray:
        """The correlation matrices of a factor, `[T, q, q]`."""
        root = correlation_root(t[:, self.places[k][1]], self.factors[k].width)
        return root @ root.transpose(0, 2, 1)

    def root(self, t: np.ndarray, k: int) -> np.ndarray:
        """The Cholesky factor L of the covariance of a factor's effects, `[T, q, q]`."""
        return self.sds(t, k)[:, :, None] * correlation_root(t[:, self.places[k][1]], self.factors[k].width)

    def precision(self, t: np.ndarray, k: int) -> np.ndarray:
        """The inverse of the covariance of a factor's effects, `[T, q, q]`."""
        if self.factors[k].width == 1:
            return np.exp(-2 * t[:, self.places[k][0]])[:, :, None]
        inverse = np.linalg.inv(self.root(t, k))
        return inverse.transpose(0, 2, 1) @ inverse

    def log_prior(self, t: np.ndarray) -> np.ndarray:
        """The log density of t, `[T]`."""
        total = self.likelihood.log_prior(self.phi(t)) if self.likelihood.parameters else np.zeros(len(t))
        for k, factor in enumerate(self.factors):
            log_sds, partial = (t[:, place] for place in self.places[k])
            total = total + (factor.sd_prior(np.exp(log_sds)) + log_sds).sum(1)
            total = total + log_lkj(partial, factor.width, factor.concentration)
        return total

    def effects_term(self, t: np.ndarray, seconds: Sequence[np.ndarray]) -> np.ndarray:
        """E log p(u given t), `[T]`, from the sums over levels of E u u', `[T, q, q]` for each factor."""
        total = np.zeros(len(t))
        for k, factor in enumerate(self.factors):
            log_sds, partial = (t[:, place] for place in self.places[k])
            # The log determinant of the correlation matrix: the sum of log(1 - z^2).
            log_sd = log_sds.sum(1) - np.log(np.cosh(partial)).sum(1)
            quadratic = (self.precision(t, k) * seconds[k]).sum((1, 2))
            total -= 0.5 * quadratic + factor.levels * (log_sd + 0.5 * factor.width * np.log(2 * np.pi))
        return total


def correlation_root(partial: np.ndarray, q: int) -> np.ndarray:
    """K above, `[T, q, q]`, from `[T, q(q-1)/2]` unconstrained numbers, row by row."""
    z = np.tanh(partial)
    root = np.zeros((len(partial), q, q))
    at = 0
    for i in range(q):
        left = np.ones(len(partial))
        for j in range(i):
            root[:, i, j] = z[:, at] * left
            # 1 - tanh^2 = 1 / cosh^2, which does not vanish by rounding.
            left = left / np.cosh(partial[:, at])
            at += 1
        root[:, i, i] = left
    return root


def log_lkj(partial: np.ndarray, q: int, concentration: float) -> np.ndarray:
    """The log density of the unconstrained partial correlations under LKJ, `[T]`."""
    columns = np.array([j for i in range(q) for j in range(i)], dtype=float)
    b = concentration + (q - 2 - columns) / 2
    log_one_minus = 2 * (np.log(2) - np.logaddexp(partial, -partial))
    return (b * log_one_minus - betaln(b, b) - (2 * b - 1) * np.log(2)).sum(1)
