r"""What the verdict asks of a mixture: importance weights of its draws, and how good q is level by level.

*Joint* weights are log p(y, w, t) - log q(w, t). Hundreds of levels, each a little off, spread them without moving any
answer. *Marginal* weights have the eliminated factor's effects integrated out of p by adaptive Gauss-Hermite,

    log p(y given t, b) + log p(b, t) - log q(b, t),   p(y given t, b) = prod_g int N(u; 0, D) prod_{i in g} p(y_i) du,

so that only t and the border b are weighed. The same quadrature gives the exact mean and sd of each level's effects
given t and b, which are held against q's.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested import stacks
from taut.algorithms.nested.effects import LOG_2PI
from taut.algorithms.nested.exact import Rule, far, log_scale
from taut.algorithms.nested.parts import Parts
from taut.algorithms.nested.solution import Draws, Solution

NODES = {1: 15, 2: 9}
"""Nodes of each effect, by the number of effects a level."""
MOST_PASSES = 3
CHECKED = 32
"""Draws over which the checks of levels are averaged."""
LARGEST = 2e6
"""Numbers in the largest array."""


@dataclass
class Integrated:
    """The eliminated effects integrated at N draws of (t, b).

    Attributes:
        log_integral: `[N, G]`, log p(y of a level given t, b).
        mean, covariance: `[N, q, G]` and `[N, q, q, G]`, the exact ones of a level's effects given t, b and y.
        shift: `[N, q, G]`, the exact mean less q's, in sds of q.
        ratio: `[N, q, G]`, the exact sd by q's.
    """

    log_integral: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    shift: np.ndarray
    ratio: np.ndarray


@dataclass
class Evidence:
    """What the draws say of the mixture.

    Attributes:
        joint: `[N]`, log p(y, w, t) - log q(w, t).
        marginal: `[N]`, the same with the eliminated factor integrated; none for more than two effects a level.
        factor: the eliminated factor, if there is one.
        shift: `[q, G]`, how far the exact mean of each effect given the rest is from q's: in sds of q, on average.
        ratio: `[q, G]`, the exact sd by q's, on average.
    """

    joint: np.ndarray
    marginal: np.ndarray | None
    factor: int | None
    shift: np.ndarray | None
    ratio: np.ndarray | None


def evidence(solution: Solution, draws: Draws, checked: int = CHECKED, joint: np.ndarray | None = None) -> Evidence:
    """Joint and marginal log weights of draws of `Solution.sample`, and the checks of levels on the first of them.

    Args:
        solution: the answer.
        draws: its draws.
        checked: over how many of them the checks of levels are averaged.
        joint: the joint log weights where they are known.
    """
    factor = solution.layout.last
    joint = joint_log_weights(solution, draws) if joint is None else joint
    if factor is None:
        return Evidence(joint, joint, None, None, None)
    if solution.layout.eliminated.width not in NODES:
        return Evidence(joint, None, factor, None, None)
    found = integrated(solution, draws)
    marginal = _border_log_weights(solution, draws) + found.log_integral.sum(1)
    shift, ratio = np.abs(found.shift[:checked]).mean(0), np.exp(np.log(found.ratio[:checked]).mean(0))
    return Evidence(joint, marginal, factor, shift, ratio)


def joint_log_weights(solution: Solution, draws: Draws) -> np.ndarray:
    """log p(y, w, t) - log q(w, t) of draws, `[N]`."""
    return log_joint(solution, draws) - solution.log_prob(draws)


def log_joint(solution: Solution, draws: Draws) -> np.ndarray:
    """log p(y, w, t) of draws, `[N]`."""
    layout, parts = solution.layout, Parts.of(solution.layout)
    groups = np.zeros((len(draws.w), len(layout.columns), layout.eliminated.levels))
    if layout.last is not None:
        groups = draws.w[:, layout.width :].reshape(groups.shape)
    rows = np.empty(len(draws.w))
    for some in _chunks(len(rows), layout.rows):
        eta = layout.offset + parts.means(draws.w[some, : layout.width], groups[some])
        rows[some] = solution.scales.likelihood.log_prob(eta, solution.scales.phi(draws.t[some])).sum(1)
    return rows + solution.log_prior(draws)


def integrated(solution: Solution, draws: Draws) -> Integrated:
    """The eliminated effects integrated by quadrature at the draws' t and border."""
    layout, scales, N = solution.layout, solution.scales, len(draws.w)
    q, G = layout.eliminated.width, layout.eliminated.levels
    centre, spread = np.empty((N, q, G)), np.empty((N, q, q, G))
    for node in np.unique(draws.node):
        here = draws.node == node
        centre[here], spread[here] = solution.nodes.effects_given(int(node), draws.w[here])
    parts, rule = Parts.of(layout), Rule.of(q, NODES[q])
    out = []
    for some in _chunks(N, layout.rows * len(rule.points)):
        base = layout.offset + parts.means(draws.w[some, : layout.width], np.zeros_like(centre[some]))
        precision = scales.precision(draws.t[some], layout.last)
        out.append(_quadrature(solution, rule, base, draws.t[some], precision, centre[some], spread[some]))
    log_integral, mean, covariance = (np.concatenate(each) for each in zip(*out, strict=True))
    sd = np.sqrt(np.einsum("naag->nag", spread))
    exact = np.sqrt(np.einsum("naag->nag", covariance))
    return Integrated(log_integral, mean, covariance, (mean - centre) / sd, exact / sd)


def _quadrature(solution, rule, base, t, precision, centre, spread):
    """Log integrals, means and covariances; nodes are placed by q, and anew where it was far off."""
    layout, likelihood = solution.layout, solution.scales.likelihood
    N, K, q = len(base), len(rule.points), layout.eliminated.width
    phi = np.repeat(solution.scales.phi(t), K, 0)
    log_prior = 0.5 * (np.linalg.slogdet(precision)[1] - q * LOG_2PI)
    for _ in range(MOST_PASSES):
        root = stacks.cholesky(spread)
        at = rule.places(centre, root)
        eta = base[:, None] + sum(z * at[:, :, a][:, :, layout.index] for a, z in enumerate(layout.columns))
        rows = layout.sums(likelihood.log_prob(eta.reshape(N * K, -1), phi)).reshape(N, K, -1)
        quadratic = (at * (precision[:, None] @ at)).sum(2)
        mass = rows - 0.5 * quadratic + log_prior[:, None, None]
        mass = mass + rule.log_weights[:, None] + log_scale(root)[:, None]
        total = np.asarray(logsumexp(mass, axis=1))
        share = np.exp(mass - total[:, None])
        mean = (share[:, :, None] * at).sum(1)
        away = at - mean[:, None]
        second = (share[:, :, None, None] * away[:, :, :, None] * away[:, :, None]).sum(1)
        if not far(centre, root, mean, second):
            break
        centre, spread = mean, second
    return total, mean, second


def _border_log_weights(solution: Solution, draws: Draws) -> np.ndarray:
    """log p(b, t) - log q(b, t) of draws, `[N]`."""
    layout, scales = solution.layout, solution.scales
    effects = draws.w[:, layout.effects(layout.last)].reshape(len(draws.w), layout.eliminated.width, -1)
    precision = scales.precision(draws.t, layout.last)
    quadratic = (effects * (precision @ effects)).sum((1, 2))
    each = np.linalg.slogdet(precision)[1] - layout.eliminated.width * LOG_2PI
    own = 0.5 * (layout.eliminated.levels * each - quadratic)
    log_q = (np.log(solution.weights) - solution.log_volumes)[draws.node]
    for node in np.unique(draws.node):
        here = draws.node == node
        log_q[here] += solution.nodes.log_border(int(node), draws.w[here])
    return solution.log_prior(draws) - own - log_q


def _chunks(count: int, numbers: int) -> list[slice]:
    size = max(1, int(LARGEST // numbers))
    return [slice(at, min(at + size, count)) for at in range(0, count, size)]
