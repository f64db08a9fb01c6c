r"""Effects of the eliminated factor whose distribution is free: one effect a level, integrated by quadrature.

With binary rows, few a level, and a large sd, the effects given the rest are far from Gaussian, and the ELBO of a
Gaussian pulls the sd down. Here u_g = e_g - F_g (b - E b) with e_g of any distribution, so that under q a row's linear
predictor is, given e_g, normal with the variance c_i = r' V r that the border leaves it (r as in `precision`). The best
distribution of e_g, E b and V held, is

    q(e_g) ~ N(e_g; 0, tau^2) exp sum_{i in g} E[log p(y_i given eta_i)],   eta_i ~ N(R_i E b + z_i e_g, c_i),

whose normaliser, moments and averages are sums over adaptive Gauss-Hermite nodes: the rows' one-dimensional expectations
at each node. The best F and V for given q(e_g) are those of the Gaussian fit with h_i averaged over e_g as well, so that
the natural gradient's step is the same. Nothing is sampled. Gaussians are a special case, so the ELBO is never lower.
"""

from dataclasses import replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp

from taut.algorithms.nested.effects import LOG_2PI, Expected

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
LOG_WEIGHTS = np.log(WEIGHTS) + 0.5 * POINTS**2
MOST_PASSES = 3
GRID = np.linspace(-7, 7, 281)
"""Where the density is tabulated for draws, in sds."""


class FreeEffects:
    """e_g of a free distribution, one effect a level."""

    nodes = len(POINTS)

    def at(self, inner, border, groups, spread, precision, prior) -> Expected:
        """The best distributions; nodes are placed by the guess, and anew where it was far off."""
        layout = inner.layout
        base = layout.offset + inner.algebra.predict(border, np.zeros_like(groups))
        left = replace(precision, inverse=np.zeros_like(spread))
        v = np.maximum(inner.algebra.row_variances(left), 1e-14)
        inverse = prior.groups  # 1 / tau^2, [T, 1, 1]
        centre, width = groups[:, 0], np.sqrt(spread[:, 0, 0])
        for _ in range(MOST_PASSES):
            at = centre[:, None] + width[:, None] * POINTS[:, None]  # [T, K, G]
            value, slope, bend = self._rows(inner, base, v, at, prior.t)
            rows = layout.sums(value)
            density = rows - 0.5 * (inverse * at**2 - np.log(inverse) + LOG_2PI)
            mass = density + np.log(width)[:, None] + LOG_WEIGHTS[:, None]
            normaliser = logsumexp(mass, axis=1)
            density = density - normaliser[:, None]
            share = np.exp(mass - normaliser[:, None])
            mean = (share * at).sum(1)
            sd = np.sqrt((share * (at - mean[:, None]) ** 2).sum(1))
            off = np.abs(mean - centre) / width + np.abs(np.log(sd / width))
            if not off.max() > 1:
                break
            centre, width = mean, sd
        entropy = -(share * density).sum((1, 2))
        held = (at, share, density)
        mean, sd = mean[:, None], sd[:, None, None]
        averages = (self._average(inner, share, x) for x in (slope, bend))
        return Expected(mean, sd**2, held, base, v, (share * rows).sum((1, 2)), *averages, entropy)

    def again(self, inner, state, t) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The averages over the same distributions for another t."""
        at, share, _ = state.held
        value, slope, bend = self._rows(inner, state.m, state.v, at, t)
        total = (share * inner.layout.sums(value)).sum((1, 2))
        return total, self._average(inner, share, slope), self._average(inner, share, bend)

    def draw(self, state, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of e at the first cell, `[count, 1, G]`, from the tabulated density, linear between its points."""
        at, density = _table(state)
        mass = 0.5 * (density[1:] + density[:-1]) * np.diff(at, axis=0)
        ends = np.cumsum(mass, 0)  # [., G]
        levels = np.arange(ends.shape[1])
        # One sorted list for all levels: the level plus the share of its mass.
        place = np.searchsorted((ends / ends[-1] + levels).T.ravel(), rng.random((count, len(levels))) + levels)
        cell = np.minimum(place - levels * len(ends), len(ends) - 1)
        low, high = density[cell, levels], density[cell + 1, levels]
        # Within a cell the density is a trapezium, a mixture of two triangles.
        u, first = np.sqrt(rng.random(cell.shape)), rng.random(cell.shape) * (low + high) < low
        part = np.where(first, 1 - u, u)
        return (at[cell, levels] + part * (at[cell + 1, levels] - at[cell, levels]))[:, None]

    def log_prob(self, state, e: np.ndarray) -> np.ndarray:
        """The log density of e `[count, 1, G]` at the first cell."""
        at, density = _table(state)
        total = np.zeros(len(e))
        for g in range(at.shape[1]):
            with np.errstate(divide="ignore"):
                total += np.log(np.interp(e[:, 0, g], at[:, g], density[:, g], left=0, right=0))
        return total

    def _rows(self, inner, base, v, at, t):
        """The rows' expectations at each node, `[T, K, n]`, nodes as cells of their own."""
        T, K = at.shape[:2]
        m = base[:, None] + inner.layout.columns[0] * at[:, :, inner.layout.index]
        flat = m.reshape(T * K, -1)
        out = inner.expect(flat, np.repeat(v, K, 0), np.repeat(t, K, 0))
        return tuple(x.reshape(T, K, -1) for x in out)

    def _average(self, inner, share, rows):
        return (share[:, :, inner.layout.index] * rows).sum(1)


def _table(state) -> tuple[np.ndarray, np.ndarray]:
    """Points and density at them, `[points, G]`, of the first cell, integrating to one by the trapezoidal rule."""
    at, _, density = (x[0] for x in state.held)
    middle, width = at[len(at) // 2], at[-1] - at[len(at) // 2]
    fine = np.exp(CubicSpline(POINTS, density)(GRID))
    points = middle + GRID[:, None] * (width / POINTS[-1])
    return points, fine / np.trapezoid(fine, points, axis=0)
