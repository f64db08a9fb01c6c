r"""Anderson's acceleration of a fixed-point iteration.

Among combinations of the last residuals f_k = G(x_k) - x_k of the fixed-point map G it finds the one that is smallest,
and steps from there:

    x + f - sum_j gamma_j (dX_j + dF_j),        gamma = argmin |f - sum_j gamma_j dF_j|.

Source: D. Anderson, Iterative Procedures for Nonlinear Integral Equations, 1965.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def anderson_step(
    x: Float[Array, " N"], G: Float[Array, " N"], past: Float[Array, "memory 2 N"], kept: Int[Array, ""]
) -> Float[Array, " N"]:
    """The next point.

    Args:
        x: The point.
        G: The map at the point.
        past: Earlier pairs of point and map, the newest first.
        kept: How many of them are filled.
    """
    f, new = G - x, G
    basis = []  # the dF_j made orthogonal one after the other (Gram-Schmidt), each with its dX_j + dF_j alongside
    for j in range(past.shape[0]):
        dF = f - (past[j, 1] - past[j, 0])
        dG = G - past[j, 1]  # dX_j + dF_j
        for e, d in basis:
            overlap = (e @ dF) / _positive(e @ e)
            dF, dG = dF - overlap * e, dG - overlap * d
        basis.append((jnp.where(j < kept, dF, 0.0), jnp.where(j < kept, dG, 0.0)))
    for e, d in basis:
        new = new - (e @ f) / _positive(e @ e) * d
    return new


def _positive(x):
    """x, or the least number that may be divided by."""
    return jnp.maximum(x, jnp.finfo(x.dtype).tiny)
