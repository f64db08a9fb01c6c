"""Gamma functions: a ratio without the cancellation of two logarithms, and a quick logarithm with its derivatives."""

import math
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from taut.core.constants import LOG_2PI

LARGE = 8.0
"""From here on five terms of Stirling's series are good to 3e-13."""


def _rest(x):
    """What log Gamma(x) is above (x - 1/2) log x - x + log(2 pi)/2."""
    square = 1 / (x * x)
    return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / x


def log_rising(x: Any, n: Any) -> Float[Array, "..."]:
    """log Gamma(x + n) - log Gamma(x) - n log x: it goes to 0 as x grows, and to rounding error.

    Args:
        x: Above zero.
        n: Zero or more.

    Example:
        >>> round(float(log_rising(10.0, 3.0)), 4)  # the logarithm of 1.1 times 1.2
        0.2776
    """
    x, n = jnp.asarray(x), jnp.asarray(n)
    large = jnp.where(x < LARGE, LARGE, x)
    by_series = (large + n - 0.5) * jnp.log1p(n / large) - n + _rest(large + n) - _rest(large)
    small = jnp.where(x < LARGE, x, LARGE)
    return jnp.where(x < LARGE, gammaln(small + n) - gammaln(small) - n * jnp.log(small), by_series)


def log_gamma_1p(x: Any) -> tuple[Float[Array, "..."], Float[Array, "..."], Float[Array, "..."]]:
    """log Gamma(1 + x) and its first two derivatives, by Stirling's series after up to seven steps of the recurrence.

    A tenth of the time of `gammaln`, `digamma` and `polygamma`, and good to 1e-12.

    Args:
        x: Zero or more.

    Example:
        >>> [round(float(d), 4) for d in log_gamma_1p(1.0)]  # 0, 1 - Euler's constant, pi^2/6 - 1
        [0.0, 0.4228, 0.6449]
    """
    far = x >= LARGE
    low = jnp.where(far, 0.0, x)
    steps = [low + i for i in range(1, 8)]
    product = jnp.where(far, 1.0, math.prod(steps))
    first = jnp.where(far, 0.0, sum(1 / s for s in steps))
    second = jnp.where(far, 0.0, sum(1 / (s * s) for s in steps))
    z = x + jnp.where(far, 1.0, 8.0)
    w, log_z = 1 / (z * z), jnp.log(z)
    value = (z - 0.5) * log_z - z + 0.5 * LOG_2PI + _rest(z) - jnp.log(product)
    slope = log_z - 0.5 / z - w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w / 132)))) - first
    bend = (1 + w * (1 / 6 - w * (1 / 30 - w * (1 / 42 - w * (1 / 30 - w * 5 / 66))))) / z + 0.5 * w + second
    return value, slope, bend
