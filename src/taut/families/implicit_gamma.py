r"""Implicit reparametrisation of Gamma draws, in logarithms so that small shapes do not underflow.

With F the distribution function, a draw g at shape a keeps its place u = F(g; a) as a moves, so that

    dg/da = - (dF/da) / (dF/dg).

The noise is the draw itself (its law depends on q, no derivative flows through it) and `moving` puts this derivative
behind it. Where g is tiny, F(g; a) = g^a / Gamma(a + 1) up to O(g), and then d log g/da = (digamma(a + 1) - log g) / a.

Source: M. Figurnov, S. Mohamed, A. Mnih, Implicit Reparameterization Gradients, 2018.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

TINY = -30.0
"""log g below which the leading term of F is exact to rounding."""


def log_gamma_noise(key: PRNGKeyArray, shape: Float[Array, " D"]) -> Float[Array, " D"]:
    """Logarithms of standard Gamma draws of these shapes."""
    return jax.random.loggamma(key, jax.lax.stop_gradient(shape), dtype=shape.dtype)


@jax.custom_jvp
def moving(shape: Float[Array, " D"], log_g: Float[Array, " D"]) -> Float[Array, " D"]:
    """`log_g`, with its implicit derivative in the shape."""
    return log_g


@moving.defjvp
def _moving_jvp(primals, tangents):
    shape, log_g = primals
    d_shape, d_log_g = tangents
    tiny = log_g < TINY
    g = jnp.exp(jnp.where(tiny, 0.0, log_g))
    leading = (jax.scipy.special.digamma(shape + 1) - log_g) / shape
    slope = jnp.where(tiny, leading, jax.lax.random_gamma_grad(shape, g) / g)  # pyright: ignore[reportCallIssue]
    return log_g, slope * d_shape + d_log_g
