r"""Does a log density jump? Then its derivative misses the jumps, and what differentiates through draws is wrong.

A step function has derivative zero wherever it has one: every pathwise gradient of it is zero, without a word. But
along a line from a to b

.. math:: f(b) - f(a) = \int_0^1 \nabla f(a + t (b - a)) \cdot (b - a)\, dt

holds for every f with finitely many kinks, and fails by the jumps that the line crosses. So the integral is taken by
the midpoint rule at three resolutions: without jumps what is missing shrinks, with jumps it stays.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

NODES = (16, 32, 64)
"""Numbers of midpoints of the three resolutions."""
STAYS = 0.1
"""Share of the missing part by which the resolutions may differ if the missing part is a jump."""
SIZE = 1e-3
"""Smallest jump, as a share of the sum of the function's changes along the line."""


def jumps(function: Callable, start: Float[Array, "S D"], end: Float[Array, "S D"]) -> bool:
    """Whether `function` jumps on one of the lines from `start` to `end`.

    Args:
        function: A function of one point `[D]` to a number, differentiable as JAX sees it. If it is a pytree, its
            arrays are arguments of what is compiled.
        start: One end of each line, e.g. draws of q.
        end: The other end of each line.

    Example:
        >>> a, b = jnp.full((1, 1), -1.0), jnp.full((1, 1), 1.0)
        >>> jumps(lambda z: jnp.abs(z[0] - 0.3), a, b), jumps(lambda z: jnp.floor(z[0] - 0.3), a, b)
        (False, True)
    """
    difference, integrals, size, scale = map(np.asarray, _lines(function, start, end))
    missing = difference[:, None] - integrals
    known = np.all(np.isfinite(missing), axis=1)  # a line that leaves the support says nothing
    missing, size, scale = missing[known], size[known], scale[known]
    stays = np.ptp(missing, axis=1) < STAYS * np.abs(missing[:, -1])
    rounding = 100 * np.finfo(missing.dtype).eps * scale
    return bool(np.any(stays & (np.abs(missing[:, -1]) > SIZE * size + rounding)))


@eqx.filter_jit
def _lines(function, start, end):
    """For each line: f(b) - f(a), the integral by each resolution, the sum of all changes, and the size of f."""
    places = np.concatenate([(np.arange(n) + 0.5) / n for n in NODES])
    finest = NODES[-1]

    def line(ends):
        a, b = ends

        def move(t):
            return jax.grad(function)(a + t * (b - a)) @ (b - a)

        moves = jax.lax.map(move, places.astype(a.dtype), batch_size=32)
        integrals = jnp.stack([jnp.mean(piece) for piece in jnp.split(moves, np.cumsum(NODES)[:-1])])
        f, g = function(a), function(b)
        return g - f, integrals, jnp.abs(g - f) + jnp.mean(jnp.abs(moves[-finest:])), jnp.abs(f) + jnp.abs(g)

    return jax.lax.map(line, (start, end))
