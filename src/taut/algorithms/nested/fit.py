"""Nested inference from arrays to an answer: the mode of t, the lattice around it, the mixture."""

import numpy as np
from scipy.special import logsumexp

from taut.algorithms.nested.choice import GOOD_ENOUGH, gaussian_error
from taut.algorithms.nested.correction import corrected
from taut.algorithms.nested.exact import FreeEffects
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.lattice import MOST_DIMENSIONS, flood
from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.nodes import FittedNodes
from taut.algorithms.nested.outer import find_mode
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.scattered import scatter
from taut.algorithms.nested.solution import Solution


def fit(layout: Layout, likelihood: Likelihood, exact: bool | None = None) -> Solution:
    """The posterior of a mixed model.

    Args:
        layout: the linear predictor.
        likelihood: p(y given eta, phi), its rows in the order of `layout.order`.
        exact: whether the distribution of the eliminated factor's effects is free; none leaves it to `choice`.
    """
    inner = Inner(layout, likelihood)
    mode = find_mode(inner, inner.scales.initial())
    error = gaussian_error(inner, mode)
    if error is None and exact:
        raise ValueError("Only a factor with one or two effects a level can be integrated exactly.")
    if error is not None and (error > GOOD_ENOUGH if exact is None else exact):
        free = Inner(layout, likelihood, FreeEffects(layout.eliminated.width))
        mode = find_mode(free, mode.cell.t[0], near=mode)
        free.steps += inner.steps
        inner = free
    lattice = flood(inner, mode) if len(mode.axes) <= MOST_DIMENSIONS else None
    cells, log_volumes = lattice or scatter(inner, mode)
    log_masses = cells.log_density + log_volumes
    log_evidence = float(logsumexp(log_masses))
    solution = Solution(
        layout,
        inner.scales,
        cells.t,
        np.exp(log_masses - log_evidence),
        log_volumes,
        cells.log_density,
        cells.gradient,
        log_evidence,
        FittedNodes(inner, cells),
        inner.steps,
        layout.last if isinstance(inner.effects, FreeEffects) else None,
        error,
    )
    # One factor alone is judged by its error, and freed where that is large.
    alone = error is not None and len(layout.factors) == 1
    return solution if alone else corrected(solution, inner)
