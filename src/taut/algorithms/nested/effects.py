"""What q says of the eliminated effects given the border, and the expectations of rows that follow.

With the pull F of `precision`, every q has u_g = e_g - F_g (b - E b): the linear part of the dependence on the border
is the same, and what is left, e_g, is independent of the border. A kind of `Effects` says how e_g is distributed.
Here it is Gaussian; `exact` leaves its distribution free.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from taut.algorithms.nested import stacks
from taut.algorithms.nested.state import State

if TYPE_CHECKING:
    from taut.algorithms.nested.inner import Inner
    from taut.algorithms.nested.precision import Precision
    from taut.algorithms.nested.priors import Prior

LOG_2PI = float(np.log(2 * np.pi))


@dataclass
class Expected:
    """The distribution of the eliminated effects of T cells, and the rows' expectations; the names are `State`'s."""

    groups: np.ndarray
    spread: np.ndarray
    held: tuple[np.ndarray, ...]
    m: np.ndarray
    v: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    entropy: np.ndarray


class Effects(Protocol):
    """A family of distributions of e_g."""

    nodes: int
    """How many times the rows are evaluated."""
    profiled: bool
    """Whether `at` gives the best distribution, so that the ELBO has no gradient in it beyond quadrature's error."""
    rounding: float
    """Nats by which the ELBO may fall because quadrature's nodes have moved."""

    def at(
        self,
        inner: "Inner",
        border: np.ndarray,
        groups: np.ndarray,
        spread: np.ndarray,
        precision: "Precision",
        prior: "Prior",
    ) -> Expected:
        """The distributions for a border's mean and precision; mean and covariance of e_g are a guess."""
        ...

    def again(self, inner: "Inner", state: State, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, slope and bend of the same q with the likelihood's parameters of another t."""
        ...

    def draw(self, state: State, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of e at the first cell, `[count, q, G]`."""
        ...

    def log_prob(self, state: State, e: np.ndarray) -> np.ndarray:
        """The log density of e `[count, q, G]` at the first cell."""
        ...


class GaussianEffects:
    """e_g ~ N(mean, C_g^-1), as the precision of the whole Gaussian q has it."""

    nodes = 1
    profiled = False
    rounding = 0.0

    def at(self, inner, border, groups, spread, precision, prior) -> Expected:
        """The Gaussian of this precision, with the mean that is given."""
        m = inner.layout.offset + inner.algebra.predict(border, groups)
        v = np.maximum(inner.algebra.row_variances(precision), 0.0)
        value, slope, bend = inner.expect(m, v, prior.t)
        size = inner.layout.eliminated.size
        entropy = 0.5 * (size * (1 + LOG_2PI) + stacks.log_determinant(stacks.cholesky(precision.inverse)))
        return Expected(groups, precision.inverse, (), m, v, value.sum(1), slope, bend, entropy)

    def again(self, inner, state, t) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows' expectations at the same means and variances."""
        value, slope, bend = inner.expect(state.m, state.v, t)
        return value.sum(1), slope, bend

    def draw(self, state, count, rng) -> np.ndarray:
        """Draws of e at the first cell, `[count, q, G]`."""
        levels = stacks.cholesky(state.spread[0])
        return state.groups[0] + (levels * rng.standard_normal((count, 1, *levels.shape[1:]))).sum(2)

    def log_prob(self, state, e) -> np.ndarray:
        """The log density of e `[count, q, G]` at the first cell."""
        levels = stacks.cholesky(state.spread[0])
        white = (stacks.triangular_inverse(levels) * (e - state.groups[0])[:, None]).sum(2)
        return -0.5 * ((white**2 + LOG_2PI).sum((1, 2)) + stacks.log_determinant(levels))
