r"""One-dimensional costs whose gradient variances are known in closed form.

Which estimator has the least variance depends on the cost and on k.

Under x = m + s y, y ~ N(0, 1), the costs (x - k)^2, exp(-k x^2) and cos(k x), their squares and squared slopes are
sums of terms polynomial(y) exp(beta y - gamma y^2) (beta imaginary for the cosine), whose expectation is closed: with
v = 1 / (1 + 2 gamma) it is sqrt(v) exp(beta^2 v / 2) times the polynomial's expectation under N(beta v, v). So every
variance below is closed but one: that of the measure-valued gradient in s leaves a smooth integral over the coupling,
which Gauss-Legendre quadrature computes.

Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020 (section 3
and figures 2 to 4).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Polynomial

from taut.errors import ArgumentError
from taut.families import MeanField
from taut.models import LogDensity, real
from taut.objectives import Weighted

RANGES = {"square": (-3.0, 3.0), "exp": (0.1, 10.0), "cos": (0.5, 5.0)}
"""The costs, each with the range of k over which it is usually shown."""
ESTIMATORS = ("reinforce (none)", "reinforce (best baseline)", "reparametrization", "measure-valued")
"""The estimators whose variance is known. The best baseline is another number for each parameter."""
Y = Polynomial([0.0, 1.0])
"""The polynomial y."""
NODES, SHARES = np.polynomial.legendre.leggauss(60)
NODES, SHARES = 0.5 * (NODES + 1), 0.5 * SHARES
"""Nodes and weights of Gauss-Legendre quadrature on (0, 1)."""


class Term(NamedTuple):
    """The function polynomial(y) exp(beta y - gamma y^2) of a standard normal y."""

    polynomial: Polynomial
    beta: complex = 0.0
    gamma: float = 0.0

    def expectation(self, times: Polynomial) -> float:
        """Real part of E[term(y) times(y)] under a standard normal y."""
        v = 1 / (1 + 2 * self.gamma)
        coefficients = (self.polynomial * times).coef
        moments = [1.0 + 0j, self.beta * v]
        for n in range(1, len(coefficients) - 1):  # E y^{n+1} = mean E y^n + n variance E y^{n-1}
            moments.append(self.beta * v * moments[-1] + n * v * moments[-2])
        mass = np.sqrt(v) * np.exp(self.beta**2 * v / 2)
        return float(np.real(mass * np.dot(coefficients, moments[: len(coefficients)])))


def expectation(terms: list[Term], times: Polynomial | float = 1.0) -> float:
    """Expectation of the sum of terms, times a polynomial, under a standard normal y."""
    return sum(term.expectation(times * Polynomial([1.0])) for term in terms)


COSTS = {
    "square": lambda k, v: (v["x"][0] - k) ** 2,
    "exp": lambda k, v: jnp.exp(-k * v["x"][0] ** 2),
    "cos": lambda k, v: jnp.cos(k * v["x"][0]),
}


@dataclasses.dataclass(frozen=True)
class Toy:
    """A cost under N(mean, sd^2): the parts of a problem that every estimator takes, and its closed-form variances.

    Attributes:
        cost: The cost: "square", "exp" or "cos".
        k: The number k of the cost.
        mean: Mean of q.
        sd: Standard deviation of q.

    Example:
        >>> toy = Toy("square", k=0.0)
        >>> round(toy.closed_form_variance("reparametrization", "mean"), 9)
        4.0

    Raises:
        ArgumentError: the cost is another, a number is not finite, sd is not positive, or k is not positive for "exp".
    """

    cost: str
    k: float
    mean: float = 1.0
    sd: float = 1.0

    def __post_init__(self):
        if self.cost not in RANGES:
            raise ArgumentError(f"Toy({self.cost!r}): one of {', '.join(RANGES)}.")
        finite = np.isfinite([self.k, self.mean, self.sd]).all()
        if not finite or self.sd <= 0 or (self.cost == "exp" and self.k <= 0):
            raise ArgumentError(f"{self}: finite numbers, sd positive, and for exp(-k x^2) a positive k.")

    @property
    def model(self) -> LogDensity:
        """A log density that is the cost."""
        # k is an argument of what is compiled, so that a study over k compiles once.
        return LogDensity(jax.tree_util.Partial(COSTS[self.cost], np.asarray(self.k)), parameters={"x": real(1)})

    @property
    def family(self) -> MeanField:
        """The normal distribution of x."""
        return MeanField.around([self.mean], self.sd)

    @property
    def objective(self) -> Weighted:
        """E_q[cost] alone: the KL has weight zero."""
        return Weighted(0.0)

    def _terms(self) -> tuple[list[Term], list[Term], list[Term]]:
        """The cost, its square, and the square of its slope in x."""
        m, s, k = self.mean, self.sd, self.k
        x = m + s * Y
        if self.cost == "square":
            f = (x - k) ** 2
            return [Term(f)], [Term(f**2)], [Term(4 * f)]
        one = Polynomial([1.0])
        if self.cost == "exp":

            def gauss(k):
                return Term(one * np.exp(-k * m**2), -2 * k * m * s, k * s**2)

            double = gauss(2 * k)
            return [gauss(k)], [double], [double._replace(polynomial=double.polynomial * 4 * k**2 * x**2)]

        def wave(k, size):
            return Term(one * (size * np.exp(1j * k * m)), 1j * k * s)

        return (
            [wave(k, 1.0)],
            [Term(0.5 * one), wave(2 * k, 0.5)],
            [Term(0.5 * k**2 * one), wave(2 * k, -0.5 * k**2)],
        )

    def gradient(self, parameter: str) -> float:
        """The derivative of E_q[cost] in "mean" or "sd"."""
        f, _, _ = self._terms()
        return expectation(f, self._score(parameter))

    def _score(self, parameter: str) -> Polynomial:
        if parameter not in ("mean", "sd"):
            raise ArgumentError(f"parameter={parameter!r}: 'mean' or 'sd'.")
        return (Y if parameter == "mean" else Y**2 - 1) / self.sd

    def best_baseline(self, parameter: str) -> float:
        """E[f score^2] / E[score^2], the baseline with the least variance for this parameter."""
        f, _, _ = self._terms()
        square = self._score(parameter) ** 2
        return expectation(f, square) / expectation([Term(square)])

    def closed_form_variance(self, estimator: str, parameter: str) -> float:
        """The variance of the gradient of one draw.

        Args:
            estimator: The estimator, one of `ESTIMATORS`.
            parameter: The parameter that the derivative is taken in: "mean" or "sd".
        """
        f, ff, slopes = self._terms()
        score, g = self._score(parameter), self.gradient(parameter)
        if estimator.startswith("reinforce"):
            second = expectation(ff, score**2)
            if estimator == "reinforce (best baseline)":
                second -= expectation(f, score**2) ** 2 / expectation([Term(score**2)])
        elif estimator == "reparametrization":
            second = expectation(slopes, 1.0 if parameter == "mean" else Y**2)
        elif estimator == "measure-valued":
            second = self._pair_in_mean() if parameter == "mean" else self._pair_in_sd(ff)
        else:
            raise ArgumentError(f"estimator={estimator!r}: one of {', '.join(ESTIMATORS)}.")
        return second - g**2

    def _pair_in_mean(self) -> float:
        """E[(f(m + s w) - f(m - s w))^2] / (2 pi s^2) over a Rayleigh w."""
        from scipy.special import dawsn, erfc

        m, s, k = self.mean, self.sd, self.k
        if self.cost == "square":  # the difference is 4 (m - k) s w, and E w^2 = 2
            return 16 * (m - k) ** 2 / np.pi
        if self.cost == "cos":  # it is -2 sin(k m) sin(k s w), and E cos(t w) = 1 - sqrt(2) t Dawson(t / sqrt(2))
            t = 2 * k * s
            return 2 * np.sin(k * m) ** 2 * np.sqrt(2) * t * dawsn(t / np.sqrt(2)) / (2 * np.pi * s**2)

        def one_side(b):  # E exp(-2 k (m +- s w)^2), the square completed
            a, b = 0.5 + 2 * k * s**2, 2 * k * m * s * b
            tail = 0.5 * np.sqrt(np.pi / a) * np.exp(b**2 / a) * erfc(b / np.sqrt(a))
            return np.exp(-2 * k * m**2) * (1 - 2 * b * tail) / (2 * a)

        across = np.exp(-2 * k * m**2) / (1 + 4 * k * s**2)
        return (one_side(1) + one_side(-1) - 2 * across) / (2 * np.pi * s**2)

    def _pair_in_sd(self, ff: list[Term]) -> float:
        """E[(f(m + s v) - f(m + s v u))^2] / s^2 over a double-sided Maxwell v and a uniform u."""
        together = [share * expectation(self._product(u), Y**2) for u, share in zip(NODES, SHARES, strict=True)]
        return (expectation(ff, Y**2) + expectation(ff) - 2 * sum(together)) / self.sd**2

    def _product(self, u: float) -> list[Term]:
        """cost(m + s y) cost(m + s u y) as terms in y."""
        m, s, k = self.mean, self.sd, self.k
        one = Polynomial([1.0])
        if self.cost == "square":
            return [Term((m - k + s * Y) ** 2 * (m - k + s * u * Y) ** 2)]
        if self.cost == "exp":
            return [Term(one * np.exp(-2 * k * m**2), -2 * k * m * s * (1 + u), k * s**2 * (1 + u**2))]
        return [Term(0.5 * one, 1j * k * s * (1 - u)), Term(0.5 * one * np.exp(2j * k * m), 1j * k * s * (1 + u))]
