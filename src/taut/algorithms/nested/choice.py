"""Whether Gaussian effects are good enough, from what a free distribution would change at the mode.

The border's q and t are held, and the best free distribution of each level's effect is put in the Gaussian's place,
which takes one evaluation of the rows at each quadrature node. The gradients in the border's mean and in t, zero
before, are then what the Gaussian got wrong; times the covariance, and times the inverse curvature of log p(t given
y), they are the steps that the answer would make, in standard deviations. (The gap of the ELBO itself does no harm: a
constant gap moves nothing.)
"""

import numpy as np

from taut.algorithms.nested.exact import NODES, FreeEffects
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.outer import Mode

GOOD_ENOUGH = 0.06
"""Sds: half of what an answer may be off."""


def gaussian_error(inner: Inner, mode: Mode) -> float | None:
    """The largest step, in sds, of t or of an unknown of the border; none where there is no free distribution.

    Args:
        inner: the inner problem with Gaussian effects.
        mode: its mode.
    """
    layout = inner.layout
    if layout.last is None or layout.eliminated.width not in NODES:
        return None
    free = Inner(layout, inner.likelihood, FreeEffects(layout.eliminated.width))
    t = mode.cell.t
    state = free.adopted(mode.cell.state, t)
    change = free.envelope(state, t) - inner.envelope(mode.cell.state, t)
    of_t = np.linalg.norm(change @ mode.axes)
    precision = inner.precision(mode.cell.state, t)
    prior = inner.prior(t)
    gradients = zip(free.gradient(state, prior), inner.gradient(mode.cell.state, prior), strict=True)
    step, _ = precision.solve(*(theirs - ours for theirs, ours in gradients))
    return float(max(of_t, np.abs(step / np.sqrt(precision.border_variances())).max()))
