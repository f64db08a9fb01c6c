"""Jumps and ends of the log density where the answer lies: lines between draws of q, and through q from end to end."""

import numpy as np
from jaxtyping import Float

from taut.models.checks.jumps import NODES, Jump, jumps
from taut.models.density import Density

LINES = 6
"""Largest number of lines."""
BEYOND = 3.5
"""Sds by which the lines through the middle are longer, in each direction, than a typical draw is far from it."""
SHARE = 4
"""Draws of the verdict for each point on the lines, at least: on tall data an evaluation is dear."""


def jumps_around(
    density: Density, z: Float[np.ndarray, "n D"], log_prob: Float[np.ndarray, " n"], log_q: Float[np.ndarray, " n"]
) -> list[Jump]:
    """The jumps of a log density around draws of q that matter: beside which it is as high as at some draw.

    Args:
        density: Log density of the full data.
        z: Independent draws of q.
        log_prob: log p(x, z) at the draws, in nats.
        log_q: log q(z) at the draws, in nats.
    """
    inside = np.flatnonzero(np.isfinite(log_prob))
    if len(inside) < 2 * LINES:
        return []
    start, end = _lines(z, log_prob, log_q, inside)
    most = int(np.clip(len(z) // (SHARE * NODES), 1, LINES))
    # Of one unknown all lines through the middle are the same.
    which = np.arange(most) if density.dim > 1 else np.unique([0, most - 1])
    return jumps(
        lambda points: density(points)[:2], start[which], end[which], density.dtype, least=float(log_prob[inside].min())
    )


def _lines(z, log_prob, log_q, inside) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of each line.

    The first begins where there is no density, or where there is most of it for q's. Two go from draw to draw, and the
    others through the middle and a draw, in both directions farther than draws lie.
    """
    weights = log_prob[inside] - log_q[inside]
    outside = np.flatnonzero(~np.isfinite(log_prob))
    first = outside[0] if len(outside) else inside[np.argmax(weights)]
    typical = inside[np.argsort(weights)[len(weights) // 2]]
    middle, one = z[inside].mean(0), z[inside[: 2 * LINES]]
    away, sd = one[4:] - middle, z[inside].std(0)
    sds = np.linalg.norm(away / np.where(sd > 0, sd, 1.0), axis=1, keepdims=True)
    reach = away * (np.sqrt(z.shape[1]) + BEYOND) / np.maximum(sds, 1e-9)
    start = np.concatenate([z[[first]], one[:2], middle - reach])
    end = np.concatenate([z[[typical]], one[2:4], middle + reach])
    return start, end
