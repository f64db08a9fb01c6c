"""Nested inference from arrays to an answer: the mode of t, the lattice around it, the mixture."""

import numpy as np

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.lattice import cell_volume, flood
from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.nodes import GaussianNodes
from taut.algorithms.nested.outer import find_mode
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.solution import Solution


def fit(layout: Layout, likelihood: Likelihood) -> Solution:
    """The posterior of a mixed model.

    Args:
        layout: the linear predictor.
        likelihood: p(y given eta, phi), its rows in the order of `layout.order`.
    """
    inner = Inner(layout, likelihood)
    mode = find_mode(inner, inner.scales.initial())
    cells = flood(inner, mode)
    best = cells.log_density.max()
    weights = np.exp(cells.log_density - best)
    log_evidence = best + np.log(weights.sum()) + np.log(cell_volume(mode))
    return Solution(
        layout,
        inner.scales,
        cells.t,
        weights / weights.sum(),
        cells.log_density,
        float(log_evidence),
        GaussianNodes(inner, cells),
        inner.steps,
    )
