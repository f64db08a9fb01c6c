r"""Effects of the eliminated factor whose distribution is free: one or two effects a level, integrated by quadrature.

With binary rows, few a level, and a large sd, the effects given the rest are far from Gaussian, and the ELBO of a
Gaussian pulls the sd down. Here u_g = e_g - F_g (b - E b) with e_g of any distribution, so that under q a row's linear
predictor is, given e_g, normal with the variance c_i = r' V r that the border leaves it (r as in `precision`). The best
distribution of e_g, E b and V held, is

    q(e_g) ~ N(e_g; 0, D) exp sum_{i in g} E[log p(y_i given eta_i)],   eta_i ~ N(R_i E b + z_i' e_g, c_i),

whose normaliser, moments and averages are sums over adaptive Gauss-Hermite nodes: the rows' one-dimensional
expectations at each node. The best F and V for given q(e_g) are those of the Gaussian fit with h_i averaged over e_g
as well, so that the natural gradient's step is the same. Nothing is sampled. Gaussians are a special case, so the
ELBO is never lower.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested import stacks
from taut.algorithms.nested.effects import LOG_2PI, Expected
from taut.algorithms.nested.tables import Tables

NODES = {1: 25, 2: 11}
"""Nodes of each effect, by the number of effects a level."""
MOST_PASSES = 3
FINE = {1: 281, 2: 101}
"""Points of the tables from which draws are made."""


@dataclass
class Rule:
    """A product of Gauss-Hermite rules.

    Attributes:
        line: `[k]`, the nodes of one variable.
        log_line: `[k]`, the logarithms of their weights times sqrt(2 pi) exp(x^2 / 2): of a sum for an integral.
        points, log_weights: `[K, q]` and `[K]`, the same of the product.
    """

    line: np.ndarray
    log_line: np.ndarray
    points: np.ndarray
    log_weights: np.ndarray

    @staticmethod
    def of(width: int, count: int) -> "Rule":
        """The rule for `width` effects a level, with `count` nodes of each."""
        line, weights = np.polynomial.hermite_e.hermegauss(count)
        log_line = np.log(weights) + 0.5 * line**2
        mesh = np.meshgrid(*[np.arange(len(line))] * width, indexing="ij")
        each = np.stack([axis.ravel() for axis in mesh], 1)
        return Rule(line, log_line, line[each], log_line[each].sum(1))

    def places(self, centre: np.ndarray, root: np.ndarray) -> np.ndarray:
        """The nodes around centres `[T, q, G]`, scaled by Cholesky factors `[T, q, q, G]`: `[T, K, q, G]`."""
        moves = sum(root[:, None, :, b] * self.points[:, b, None, None] for b in range(self.points.shape[1]))
        return centre[:, None] + moves

    def spline(self, x: np.ndarray) -> np.ndarray:
        """What the values at `line` are multiplied by to interpolate at x: `[..., k]`."""
        from scipy.interpolate import CubicSpline  # loaded by the first draw, not by every fit

        return CubicSpline(self.line, np.eye(len(self.line)))(x)


@dataclass
class Found:
    """What one pass of quadrature finds, in the words of `Expected`, and whether its nodes were far off."""

    mean: np.ndarray
    second: np.ndarray
    held: tuple[np.ndarray, ...]
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    entropy: np.ndarray
    far: bool


class FreeEffects:
    """e_g of a free distribution.

    Args:
        width: the number of effects a level, 1 or 2.
    """

    profiled = True
    rounding = 0.1

    def __init__(self, width: int):
        self.width, self.rule = width, Rule.of(width, NODES[width])
        self.nodes = len(self.rule.points)
        self.grid = np.linspace(self.rule.line[0], self.rule.line[-1], FINE[width])

    def at(self, inner, border, groups, spread, precision, prior) -> Expected:
        """The best distributions; nodes are placed by the guess, and anew where it was far off."""
        layout = inner.layout
        base = layout.offset + inner.algebra.predict(border, np.zeros_like(groups))
        left = replace(precision, inverse=np.zeros_like(spread))
        v = np.maximum(inner.algebra.row_variances(left), 0.0)
        found = self._quadrature(inner, base, v, groups, stacks.cholesky(spread), prior)
        for _ in range(MOST_PASSES - 1):
            if not found.far:
                break
            found = self._quadrature(inner, base, v, found.mean, stacks.cholesky(found.second), prior)
        return Expected(found.mean, found.second, found.held, base, v, *found.rows, found.entropy)

    def _quadrature(self, inner, base, v, centre, root, prior) -> Found:
        """The best distributions by nodes around a centre `[T, q, G]`, scaled by Cholesky factors `[T, q, q, G]`."""
        log_prior = 0.5 * (np.linalg.slogdet(prior.groups)[1] - self.width * LOG_2PI)
        at = self.rule.places(centre, root)
        value, slope, bend = self._rows(inner, base, v, at, prior.t)
        rows = inner.layout.sums(value)
        quadratic = (at * (prior.groups[:, None] @ at)).sum(2)
        density = rows - 0.5 * quadratic + log_prior[:, None, None]
        mass = density + self.rule.log_weights[:, None] + log_scale(root)[:, None]
        normaliser = np.asarray(logsumexp(mass, axis=1))[:, None]
        density, share = density - normaliser, np.exp(mass - normaliser)
        mean = (share[:, :, None] * at).sum(1)
        away = at - mean[:, None]
        second = (share[:, :, None, None] * away[:, :, :, None] * away[:, :, None]).sum(1)
        return Found(
            mean,
            second,
            (centre, root, share, density),
            ((share * rows).sum((1, 2)), self._average(inner, share, slope), self._average(inner, share, bend)),
            -(share * density).sum((1, 2)),
            far(centre, root, mean, second),
        )

    def again(self, inner, state, t) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The averages over the same distributions for another t."""
        centre, root, share, _ = state.held
        value, slope, bend = self._rows(inner, state.m, state.v, self.rule.places(centre, root), t)
        total = (share * inner.layout.sums(value)).sum((1, 2))
        return total, self._average(inner, share, slope), self._average(inner, share, bend)

    def draw(self, state, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of e at the first cell, `[count, q, G]`: the first effect, and the second given the first."""
        centre, root, _, _ = (x[0] for x in state.held)
        first = self._first(state).draw(count, rng)
        z = [first] if self.width == 1 else [first, self._second(state, first).draw(1, rng)[0]]
        return centre + (root * np.stack(z, 1)[:, None]).sum(2)

    def log_prob(self, state, e: np.ndarray) -> np.ndarray:
        """The log density of e `[count, q, G]` at the first cell."""
        centre, root, _, _ = (x[0] for x in state.held)
        z = (stacks.triangular_inverse(root) * (e - centre)[:, None]).sum(2)
        total = self._first(state).log_prob(z[:, 0]) - log_scale(root)
        if self.width == 2:
            total = total + self._second(state, z[:, 0]).log_prob(z[None, :, 1])[0]
        return total.sum(1)

    @cached_property
    def _fine(self) -> np.ndarray:
        return self.rule.spline(self.grid)

    def _rows(self, inner, base, v, at, t):
        """The rows' expectations at each node, `[T, K, n]`, nodes as cells of their own."""
        T, K = at.shape[:2]
        layout = inner.layout
        m = base[:, None] + sum(z * at[:, :, a][:, :, layout.index] for a, z in enumerate(layout.columns))
        out = inner.expect(m.reshape(T * K, -1), np.repeat(v, K, 0), np.repeat(t, K, 0))
        return tuple(x.reshape(T, K, -1) for x in out)

    def _average(self, inner, share, rows):
        return (share[:, :, inner.layout.index] * rows).sum(1)

    def _first(self, state) -> Tables:
        """The density of the first effect of each level, in the nodes' coordinate."""
        density = state.held[3][0].reshape(*[len(self.rule.line)] * self.width, -1)
        if self.width == 2:
            density = logsumexp(density + self.rule.log_line[:, None], axis=1)
        return Tables(self.grid, (self._fine @ density).T)

    def _second(self, state, first: np.ndarray) -> Tables:
        """The density of the second effect of each level given the first, `[count, G]`."""
        k = len(self.rule.line)
        density = state.held[3][0].reshape(k, k, -1)
        at_first = np.einsum("cgi,ijg->cgj", self.rule.spline(first), density)
        return Tables(self.grid, at_first @ self._fine.T)


def log_scale(root: np.ndarray) -> np.ndarray:
    """The log determinant of each Cholesky factor, `[..., G]`."""
    return 0.5 * stacks.log_determinant_each(root)


def far(centre, root, mean, second) -> bool:
    """Whether some mean is a sd from its centre, or some sd far from what was assumed."""
    moved = (stacks.triangular_inverse(root) * (mean - centre)[:, None]).sum(2)
    ratio = log_scale(stacks.cholesky(second)) - log_scale(root)
    return bool((np.abs(moved).max(1) + np.abs(ratio)).max() > 1)
