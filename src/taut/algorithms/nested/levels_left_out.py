r"""The density of all rows of a level of the eliminated factor, given all other rows.

Given t and the border b the level's effects are integrated by quadrature, p(y_g given b, t), at draws of (t, b). The
matrix of these is what Pareto-smoothed importance weights are made of; for a level that they cannot leave out, the fit
is made without its rows.
"""

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested import stacks
from taut.algorithms.nested.effects import LOG_2PI
from taut.algorithms.nested.exact import NODES, FreeEffects, Rule
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.left_out import Without, fitted
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.solution import Draws, Solution

NUMBERS = 4e6
"""Numbers in the largest array of a quadrature."""


def integrable(solution: Solution) -> bool:
    """Whether the eliminated factor has one or two effects a level, which is what is integrated here."""
    return solution.layout.last is not None and solution.layout.eliminated.width in NODES


def level_densities(solution: Solution, draws: Draws, scored: Likelihood | None = None) -> np.ndarray:
    """log p(y_g given b, t) of every level at draws, `[S, G]`.

    Args:
        solution: the fit.
        draws: draws of it, or of another fit of the same layout.
        scored: the likelihood of rows that count once each, where those of the fit have weights.
    """
    nodes = fitted(solution)
    if not integrable(solution):
        raise TypeError("Levels are left out of a fit whose eliminated factor has one or two effects a level.")
    inner, layout = nodes.inner, solution.layout
    scored = inner.likelihood if scored is None else scored
    rule = Rule.of(layout.eliminated.width, NODES[layout.eliminated.width])
    out = np.empty((len(draws.t), layout.eliminated.levels))
    size = max(1, int(NUMBERS // (layout.rows * len(rule.points))))
    for node in np.unique(draws.node):
        here = np.flatnonzero(draws.node == node)
        state = nodes.cells.state.take(np.array([node]))
        precision = inner.precision(state, solution.t[[node]])
        root = stacks.cholesky(state.spread[0])
        for at in range(0, len(here), size):
            some = here[at : at + size]
            border = draws.w[some, : layout.width]
            centre = state.groups - precision.pulled(border - state.border)
            out[some] = _densities(inner, scored, rule, border, centre, root, draws.t[some])
    return out


def _densities(inner, scored, rule, border, centre, root, t) -> np.ndarray:
    """Of draws `[s]`: borders `[s, B]`, and where their effects lie, `[s, q, G]` and `[q, q, G]`."""
    layout, (s, q, G), K = inner.layout, centre.shape, len(rule.points)
    places = centre[:, None] + sum(root[:, b] * rule.points[:, b, None, None] for b in range(q))
    base = layout.offset + np.vstack([inner.algebra.predict(b[None], np.zeros((1, q, G))) for b in border])
    eta = base[:, None] + sum(z * places[:, :, a][:, :, layout.index] for a, z in enumerate(layout.columns))
    eta = eta.reshape(s * K, -1)
    rows = np.asarray(scored.expect(eta, np.zeros_like(eta), np.repeat(inner.scales.phi(t), K, 0))[0])
    prior = inner.scales.precision(t, layout.last)
    quadratic = (places * (prior[:, None] @ places)).sum(2)
    constant = 0.5 * (np.linalg.slogdet(prior)[1] - q * LOG_2PI)
    mass = layout.sums(rows).reshape(s, K, G) - 0.5 * quadratic + constant[:, None, None]
    mass = mass + rule.log_weights[:, None] + 0.5 * stacks.log_determinant_each(root)
    return np.asarray(logsumexp(mass, axis=1))


def level_by_fit(
    solution: Solution, level: int, count: int = 400, seed: int = 0, scored: Likelihood | None = None
) -> float:
    """log p(y_g given y_-g) by a fit without the level's rows.

    Args:
        solution: the fit of all rows.
        level: of the eliminated factor.
        count: draws of the fit without.
        seed: of these.
        scored: the likelihood of rows that count once each, where those of the fit have weights.
    """
    inner = fitted(solution).inner
    rows = np.flatnonzero(solution.layout.index == level)
    free = isinstance(inner.effects, FreeEffects) if solution.gaussian_error is not None else None
    there = fit(solution.layout, Without(inner.likelihood, rows), exact=free)
    draws = there.sample(count, np.random.default_rng(seed))
    # The effects lie where the fit of all rows has them; its nearest node says where.
    _, sd = solution.of_scales(solution.t)
    apart = (((there.t[:, None] - solution.t) / np.maximum(sd, 1e-12)) ** 2).sum(2)
    near = Draws(apart.argmin(1)[draws.node], draws.t, draws.w)
    return float(logsumexp(level_densities(solution, near, scored)[:, level]) - np.log(count))
