r"""The density of each row given all the others, log p(y_i given y_-i), from one fit.

At a node of t the site of row i in q is removed by a step of rank one. With mean m, variance v, slope r and curvature h
of its linear predictor, what the other rows say of it is, to first order,

    eta_i ~ N(m - r v / (1 - h v), v / (1 - h v)),

under which p(y_i given y_-i, t) is a one-dimensional integral. Since p(t given y_-i) is proportional to p(t given y)
over that, the nodes are mixed by a harmonic mean. What the step leaves out is that the other rows' curvatures change
too. Where h v is not small, q is therefore solved anew without the row at the heaviest nodes, and the mean difference
is added at the others. Where the row decides which nodes carry weight, the whole fit is made without.

Sources: A. Vehtari, T. Mononen, V. Tolvanen, T. Sivula and O. Winther, Bayesian leave-one-out cross-validation
approximations for Gaussian latent variable models, 2016.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested.cavities import POINTS, Cavity, cavities, gaussian, integrals, predictors
from taut.algorithms.nested.exact import FreeEffects
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.nodes import FittedNodes
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.solution import Solution
from taut.algorithms.nested.state import State

SMALL = 0.05
"""Influence h v, and v r^2, below which the step of rank one is good enough."""
MOST = 400
"""Rows that are solved anew, the most influential first."""
HEAVY = 25
"""Nodes at which they are solved anew, the heaviest first; fewer where there is much to do."""
WORK = 4e6
"""Evaluations of rows in one step of all that is solved anew."""
TOLERANCE = 1e-6
"""Nats; a mean is that much squared away, in sds, and a far row multiplies it."""
ASTRAY = 0.4
"""Sds of t by which its mean may move when a row is left out, before the nodes lie in the wrong place."""
FEW_LEFT = 0.8
"""Part of the effective nodes that must be left."""
MOST_FITS = 10
"""Whole fits without a row."""
NUMBERS = 4e6
"""Numbers in the largest array of a quadrature."""


@dataclass
class RowsLeftOut:
    """What is known of each row from the others, in the order of the table.

    Attributes:
        log_density: `[n]`, log p(y_i given y_-i).
        influence: `[n]`, h v: the part of what is known of the row's predictor that the row itself says.
        good: `[n]`, whether what the row changes is small, or q was solved anew without it; elsewhere importance
            weights of draws are the better answer.
    """

    log_density: np.ndarray
    influence: np.ndarray
    good: np.ndarray


class Without:
    """A likelihood whose rows at `rows` count for nothing, as if they were not there."""

    def __init__(self, likelihood: Likelihood, rows: np.ndarray):
        self._likelihood, self._rows = likelihood, rows
        self.parameters = likelihood.parameters
        self.initial, self.start, self.log_prior = likelihood.initial, likelihood.start, likelihood.log_prior

    def expect(self, m, v, phi) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Zeros at the rows."""
        value, slope, bend = (np.array(np.broadcast_to(x, m.shape)) for x in self._likelihood.expect(m, v, phi))
        for each in (value, slope, bend):
            each[:, self._rows] = 0.0
        return value, slope, bend


def rows_left_out(
    solution: Solution, scored: Likelihood | None = None, weights: np.ndarray | None = None
) -> RowsLeftOut:
    """log p(y_i given y_-i) of every row.

    Args:
        solution: the fit.
        scored: the likelihood of rows that count once each, where those of the fit have weights.
        weights: `[n]`, these weights, in the order of the table. A row is left out with its whole weight.
    """
    nodes = fitted(solution)
    order = nodes.layout.order
    scored = nodes.inner.likelihood if scored is None else scored
    powers = np.ones(len(order)) if weights is None else np.asarray(weights, float)[order]
    removed, density, influence, surprise = [], [], [], []
    for some in _batches(nodes.inner, len(solution.t)):
        state, t = nodes.cells.state.take(some), solution.t[some]
        cavity, hv = cavities(nodes.inner, state, t)
        of_site, of_row = integrals(nodes.inner, scored, cavity, t, powers)
        removed.append(of_site)
        density.append(of_row)
        influence.append(hv)
        # v r^2: the square of how far, in sds, the row moves what is known of its predictor.
        surprise.append(np.divide(hv * state.slope**2, state.h, out=np.zeros_like(hv), where=state.h > 0))
    removed, density = np.vstack(removed), np.vstack(density)
    influence, surprise = (solution.weights @ np.vstack(x) for x in (influence, surprise))
    reach = np.maximum(influence, surprise)
    anew = _anew(nodes, reach)
    _solve_anew(solution, nodes, scored, powers, anew, removed, density)
    log_weights = np.log(solution.weights)[:, None] - removed
    log_density = logsumexp(log_weights + density, axis=0) - logsumexp(log_weights, axis=0)
    good = (reach < SMALL) | _quadratic(nodes)
    good[anew] = True
    astray, moved = _astray(solution, log_weights)
    good &= ~astray
    near = nodes.cells.state.take(np.array([solution.weights.argmax()]))
    for i in astray.nonzero()[0][np.argsort(-moved[astray])][:MOST_FITS]:
        log_density[i] = _refitted(solution, nodes, scored, i, near)
        good[i] = True
    back = np.argsort(order)
    return RowsLeftOut(log_density[back], influence[back], good[back])


def fitted(solution: Solution) -> FittedNodes:
    """The nodes of a solution that was fitted here."""
    if not isinstance(solution.nodes, FittedNodes):
        raise TypeError("Rows are left out of a fit, whose nodes know their rows.")
    return solution.nodes


def _astray(solution: Solution, log_weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a row decides which nodes carry weight, and by how many sds it moves the mean of t; `[n]` each."""
    if not solution.scales.size:
        return np.zeros(log_weights.shape[1], bool), np.zeros(log_weights.shape[1])
    log_weights = log_weights - logsumexp(log_weights, axis=0)
    mean, sd = solution.of_scales(solution.t)
    moved = np.abs((np.exp(log_weights).T @ solution.t - mean) / np.maximum(sd, 1e-12)).max(1)
    effective = np.exp(-logsumexp(2 * log_weights, axis=0))
    return (moved > ASTRAY) | (effective < FEW_LEFT * solution.effective_nodes), moved


def _batches(inner: Inner, cells: int) -> list[np.ndarray]:
    numbers = inner.layout.rows * len(POINTS) * inner.effects.nodes
    size = int(np.clip(NUMBERS // numbers, 1, inner.batch))
    return [np.arange(at, min(at + size, cells)) for at in range(0, cells, size)]


def _quadratic(nodes: FittedNodes) -> bool:
    """Whether log p is quadratic in the predictor, so that the step of rank one is exact."""
    inner, state = nodes.inner, nodes.cells.state.take(np.array([0]))
    if isinstance(inner.effects, FreeEffects):
        return False
    bends = (inner.expect(state.m + move, state.v, nodes.cells.t[:1])[2] for move in (0.0, 1.0))
    return bool(np.allclose(*bends, rtol=1e-6))


def _anew(nodes: FittedNodes, reach: np.ndarray) -> np.ndarray:
    """The rows that are solved anew."""
    if _quadratic(nodes):
        return np.zeros(0, int)
    each = len(reach) * nodes.inner.effects.nodes
    rows = np.argsort(-reach)[: int(np.clip(WORK // each, 1, MOST))]
    return rows[reach[rows] > SMALL]


def _solve_anew(solution, nodes, scored, powers, rows, removed, density) -> None:
    """Put what q without the row says at the heaviest nodes in both `[C, n]`; its mean difference at the others."""
    if not len(rows):
        return
    order = np.argsort(-solution.weights)
    each = len(rows) * nodes.layout.rows * nodes.inner.effects.nodes
    count = int(np.clip(WORK // each, 1, HEAVY))
    heavy, light = order[:count], order[count:]
    changes = [np.zeros((len(heavy), len(removed[0]))) for _ in range(2)]
    for some in _batches(nodes.inner, len(heavy)):
        found = _without_each(nodes.inner, nodes.cells.state.take(heavy[some]), solution.t[heavy[some]], rows)
        found = integrals(nodes.inner, scored, found, solution.t[heavy[some]], powers)
        for change, whole, new in zip(changes, (removed, density), found, strict=True):
            change[some] = new - whole[heavy[some]]
    share = solution.weights[heavy] / solution.weights[heavy].sum()
    for change, whole in zip(changes, (removed, density), strict=True):
        whole[np.ix_(heavy, rows)] += change[:, rows]
        whole[np.ix_(light, rows)] += share @ change[:, rows]


def _without_each(inner: Inner, state: State, t: np.ndarray, rows: np.ndarray) -> Cavity:
    """The cavities of rows from a fit without each, elsewhere anything."""
    free = isinstance(inner.effects, FreeEffects)
    mean = np.tile(state.m[:, None], (1, inner.effects.nodes, 1))
    log_share, variance = np.zeros_like(mean), state.v[:, None].copy()
    for i in rows:
        without = Inner(inner.layout, Without(inner.likelihood, np.array([i])), inner.effects)
        found = without.solve(t, state, TOLERANCE)
        log_share[:, :, i], mean[:, :, i], variance[:, :, i] = (x[:, :, i] for x in predictors(without, found))
    if not free:
        return gaussian(mean[:, 0], variance[:, 0], state.m, np.sqrt(state.v))
    return Cavity(log_share, mean, variance, mean, np.broadcast_to(np.sqrt(variance), mean.shape))


def _refitted(solution: Solution, nodes: FittedNodes, scored: Likelihood, row: int, near: State) -> float:
    """log p(y_i given y_-i) by a whole fit without the row: its own mode and nodes of t."""
    free = isinstance(nodes.inner.effects, FreeEffects)
    likelihood = Without(nodes.inner.likelihood, np.array([row]))
    there = fit(solution.layout, likelihood, exact=free if solution.gaussian_error is not None else None)
    found, total = fitted(there), []
    for some in _batches(found.inner, len(there.t)):
        state = found.cells.state.take(some)
        log_share, mean, variance = predictors(found.inner, state)
        if free:
            cavity = Cavity(log_share, mean, variance, mean, np.broadcast_to(np.sqrt(variance), mean.shape))
        else:
            centre, width = (np.broadcast_to(x, state.m.shape) for x in (near.m, np.sqrt(near.v)))
            cavity = gaussian(mean[:, 0], variance[:, 0], centre, width)
        _, of_row = integrals(found.inner, scored, cavity, there.t[some], np.ones(len(near.m[0])))
        total.append(of_row[:, row])
    return float(logsumexp(np.concatenate(total) + np.log(there.weights)))
