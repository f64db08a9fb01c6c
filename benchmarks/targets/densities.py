"""Log densities of the targets, with every constant: in plain jax.numpy, so that a target says exactly what it is."""

import math

import jax.numpy as jnp
from jax.scipy.special import gammaln


def normal(x, mean=0.0, sd=1.0):
    """ln N(x | mean, sd), elementwise."""
    return -0.5 * ((x - mean) / sd) ** 2 - jnp.log(sd) - 0.5 * math.log(2 * math.pi)


def cauchy(x, scale=1.0):
    """ln of the Cauchy density around zero, elementwise."""
    return -jnp.log1p((x / scale) ** 2) - math.log(math.pi * scale)


def half(log_density):
    """The renormalised half of a density that is symmetric around zero."""
    return log_density + math.log(2)


def gamma(x, shape, rate):
    """ln Gamma(x | shape, rate), elementwise."""
    return shape * math.log(rate) - gammaln(shape) + (shape - 1) * jnp.log(x) - rate * x
