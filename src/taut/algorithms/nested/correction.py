r"""The nodes' weights, corrected for the gap between ELBO(t) and log p(y given t).

With lw = log p(y, w given t) - log q(w given t), the gap is log E exp(lw) - E lw. It is a sum over many nearly
independent levels, each of which adds little, so that half the variance of lw under q, its second cumulant, is nearly
all of it. Only its course in t matters for the weights. Draws of the same random numbers at every node make that
course smooth, and a polynomial in t, fitted to the gaps of the heaviest nodes, removes what is left of the noise.

Where the gap is large the second cumulant is not all, and nothing is corrected: then the importance weights of the
draws are far from equal, which is for the verdict to say.
"""

from dataclasses import replace

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.parts import Parts
from taut.algorithms.nested.solution import Draws, Solution

DRAWS = 24
SMALLEST, LARGEST = 0.03, 1.0
"""Nats: a gap below moves nothing, and one above is not known from its second cumulant."""
MOST_NODES = 20
PER_COEFFICIENT = 3
"""Nodes for each coefficient of a parabola; with fewer, the polynomial is a line."""


def corrected(solution: Solution, inner: Inner) -> Solution:
    """The solution with its gap at the heaviest node, and corrected weights where that is neither small nor large."""
    parts = Parts.of(solution.layout)
    heaviest = _gap(solution, inner, parts, int(solution.weights.argmax()))
    solution = replace(solution, gap=heaviest)
    if not SMALLEST < heaviest < LARGEST or not solution.scales.size:
        return solution
    order = np.sort(np.argsort(-solution.weights)[:MOST_NODES])
    gaps = np.array([_gap(solution, inner, parts, int(node)) for node in order])
    basis = _polynomials(solution, len(order))
    root = np.sqrt(solution.weights[order])
    coefficients = np.linalg.lstsq(basis[order] * root[:, None], gaps * root, rcond=None)[0]
    gap = np.clip(basis @ coefficients, gaps.min(), gaps.max())
    log_weights = np.log(solution.weights) + gap
    total = float(logsumexp(log_weights))
    return replace(
        solution,
        weights=np.exp(log_weights - total),
        log_density=solution.log_density + gap,
        log_evidence=solution.log_evidence + total,
        corrected=True,
    )


def _gap(solution: Solution, inner: Inner, parts: Parts, node: int) -> float:
    """Half the variance of lw at a node."""
    w = solution.nodes.draw(node, DRAWS, np.random.default_rng(0))
    layout, t = solution.layout, np.repeat(solution.t[[node]], DRAWS, 0)
    groups = np.zeros((DRAWS, len(layout.columns), layout.eliminated.levels))
    if layout.last is not None:
        groups = w[:, layout.width :].reshape(groups.shape)
    eta = layout.offset + parts.means(w[:, : layout.width], groups)
    rows = inner.likelihood.log_prob(eta, inner.scales.phi(t)).sum(1)
    draws = Draws(np.full(DRAWS, node), t, w)
    return float((rows + solution.log_prior(draws) - solution.log_prob(draws)).var(ddof=1) / 2)


def _polynomials(solution: Solution, nodes: int) -> np.ndarray:
    """A constant, t and, where there are nodes for it, products of two t, at all nodes, in sds."""
    mean, sd = solution.of_scales(solution.t)
    z = (solution.t - mean) / sd
    line = np.column_stack([np.ones(len(z)), z])
    K = z.shape[1]
    products = [z[:, i] * z[:, j] for i in range(K) for j in range(i + 1)]
    if nodes < PER_COEFFICIENT * (line.shape[1] + len(products)):
        return line
    return np.column_stack([line, *products])
