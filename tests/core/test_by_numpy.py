"""JAX functions run by NumPy: the same values as JAX gives them, at many points at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core import precision
from taut.core.by_numpy import ByNumPy
from taut.core.numpy_operations import Unsupported

K = np.array([0.5, -1.0, 2.0])


def _chosen(a, x):
    return jax.lax.cond(jnp.all(x > 0), lambda x, a: jnp.log(x) + a, lambda x, a: jnp.exp(x) - a, x, a)


def _table(a, x):
    return jnp.take(jnp.concatenate([x, a]), jnp.array([4, 0, 1])) + jnp.cumsum(x) - x[1:].sum() + jnp.arange(3)


FUNCTIONS = {
    "sums": lambda a, x: (a * x).sum() + x.max() - jnp.logaddexp(x, a),
    "a number among arrays": lambda a, x: x * jnp.exp(x[0]) + jnp.where(x[1] > 0, a, x),
    "products": lambda a, x: (jnp.outer(x, a) @ a, x @ jnp.outer(a, x), jnp.einsum("i,i->i", x, x)),
    "special functions": lambda a, x: jax.scipy.special.gammaln(x**2) + jax.nn.sigmoid(a * x) + jax.lax.erf(x),
    "powers": lambda a, x: x**3 - jnp.sqrt(x**2 + a**2) + jnp.expm1(x) / jnp.log1p(x**2) + jnp.sign(x),
    "a choice": _chosen,
    "places in a vector": _table,
    "a derivative": lambda a, x: jax.jvp(lambda x: jax.nn.softplus(a * x), (x,), (a,)),
    "shapes": lambda a, x: (jnp.reshape(jnp.broadcast_to(x, (2, 3)), (3, 2)) * a[:, None]).sum(0),
}


@pytest.mark.parametrize("count", [1, 2, 40000])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_jax(name, count):
    x = np.random.default_rng(0).normal(size=(count, 3))
    x[0] = np.abs(x[0])
    with precision.context("float64"):
        closed = jax.make_jaxpr(FUNCTIONS[name])(K, x[0])
        expected = jax.tree.leaves(jax.vmap(FUNCTIONS[name], (None, 0))(K, x))
    found = ByNumPy(closed, [K])(x)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_what_depends_on_known_arguments_alone_is_computed_once():
    with precision.context("float64"):
        closed = jax.make_jaxpr(lambda a, x: jnp.exp(jnp.log1p(a**2)).sum() * x)(K, K)
    assert ByNumPy(closed, [K]).work == 3


@pytest.mark.parametrize("function", [jnp.sort, jnp.linalg.inv, lambda x: jnp.take(K, x[0].astype(int), mode="clip")])
def test_an_unknown_operation_is_told(function):
    x = np.ones((2, 2))
    with pytest.raises(Unsupported):
        ByNumPy(jax.make_jaxpr(function)(x), [])
