r"""Weak derivatives of the standard normal: one draw in three dimensions, seen from its sides.

The derivatives of E[f(m + s e)], e ~ N(0, 1), in m and in s at m = 0, s = 1 are differences of expectations,

    d/dm = 1/sqrt(2 pi) (E[f(w)] - E[f(-w)]),      w Rayleigh;
    d/ds = E[f(v)] - E[f(e)],                      v double-sided Maxwell, density v^2 N(v; 0, 1).

Let e, a, b be independent standard normals. Then w = sqrt(a^2 + b^2) is Rayleigh and independent of e, and
v = sign(e) sqrt(e^2 + a^2 + b^2) is double-sided Maxwell with e = v u, u uniform (Archimedes' hat-box theorem): the
coupling of Maxwell and normal that keeps the difference small. So the negative part in s is the draw itself, and each
coordinate costs three evaluations more.

Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020 (section 6
and table 1); B. Heidergott, F. Vázquez-Abad, W. Volk-Makarewicz, Sensitivity Estimation for Gaussian Systems, 2008.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.families.base import Distribution

MEAN_CONSTANT = float(1 / np.sqrt(2 * np.pi))


class NoBranchNoise(Distribution):
    """A distribution whose weak derivatives need no random numbers beside those of the draw."""

    def branch_noise(self, key: PRNGKeyArray) -> tuple[()]:
        """Nothing."""
        return ()


def rayleigh(key: PRNGKeyArray, like: Float[Array, " D"]) -> Float[Array, " D"]:
    """Lengths of standard normal vectors in the plane, one a coordinate."""
    return jnp.linalg.norm(jax.random.normal(key, (2, *like.shape), like.dtype), axis=0)


def standard_branches(e: Float[Array, " D"], w: Float[Array, " D"]) -> Float[Array, "3D D"]:
    """The draw `e` with one coordinate moved: each to w, each to -w, each to sign(e) sqrt(e^2 + w^2)."""
    v = jnp.copysign(jnp.sqrt(e**2 + w**2), e)
    here = jnp.eye(e.shape[0], dtype=bool)
    return jnp.concatenate([jnp.where(here, moved, e) for moved in (w, -w, v)])
