"""Supports: onto the right set, back again, and with the volume that automatic differentiation finds."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taut.errors import ArgumentError
from taut.models import bounded, ordered, positive, real, simplex, unit_interval
from taut.models.unknowns import Parameters

pytestmark = pytest.mark.usefixtures("x64")
SUPPORTS = {
    "real": (real(3), lambda v: np.isfinite(v)),
    "positive": (positive((2, 2)), lambda v: v > 0),
    "unit interval": (unit_interval(3), lambda v: (v > 0) & (v < 1)),
    "bounded": (bounded(-2.0, 5.0, 3), lambda v: (v > -2) & (v < 5)),
    "simplex": (simplex(4), lambda v: (v > 0) & np.isclose(v.sum(), 1)),
    "ordered": (ordered(4), lambda v: np.all(np.diff(v) > 0)),
}
VECTORS = arrays(float, 9, elements=st.floats(-6, 6))


@functools.cache
def there_and_back(kind):
    parameters = Parameters({"a": SUPPORTS[kind][0]})

    @eqx.filter_jit
    def both(z):
        values, _ = parameters.constrain(z)
        return values["a"], parameters.to_vector(values)

    return parameters.origin.size, both


@given(z=VECTORS)
@example(z=np.zeros(9))
@pytest.mark.parametrize("kind", SUPPORTS)
def test_values_lie_in_the_set_and_come_back(kind, z):
    support, inside = SUPPORTS[kind]
    size, both = there_and_back(kind)
    value, again = both(z[:size])
    assert value.shape == support.shape
    assert np.all(inside(np.asarray(value)))
    np.testing.assert_allclose(again, z[:size], rtol=1e-9, atol=1e-9)


@functools.cache
def claimed_and_exact(kind):
    parameters = Parameters({"a": SUPPORTS[kind][0]})

    @jax.jit
    def both(z):
        # The last part of a simplex follows from the others: the volume is over the free ones.
        def free(z):
            return jnp.ravel(parameters.constrain(z)[0]["a"])[: z.size]

        return parameters.constrain(z)[1], jnp.linalg.slogdet(jax.jacfwd(free)(z))[1]

    return parameters.origin.size, both


@given(z=VECTORS)
@example(z=np.zeros(9))
@pytest.mark.parametrize("kind", SUPPORTS)
def test_the_log_jacobian_is_that_of_the_map(kind, z):
    size, both = claimed_and_exact(kind)
    claimed, exact = both(z[:size])
    np.testing.assert_allclose(claimed, exact, rtol=1e-8, atol=1e-10)


def test_several_unknowns_keep_their_names_shapes_and_order():
    parameters = Parameters({"theta": real((2, 2)), "p": simplex(3), "tau": positive()})
    assert parameters.origin.size == 4 + 2 + 1
    values, log_jacobian = eqx.filter_jit(parameters.constrain)(np.arange(7.0))
    assert {name: v.shape for name, v in values.items()} == {"theta": (2, 2), "p": (3,), "tau": ()}
    np.testing.assert_allclose(eqx.filter_jit(parameters.to_vector)(values), np.arange(7.0), rtol=1e-9, atol=1e-12)
    alone = [
        eqx.filter_jit(Parameters({"a": s}).constrain)(z)[1]
        for s, z in ((simplex(3), np.arange(2.0)), (positive(), np.array([2.0])))
    ]
    # A dictionary's leaves come in alphabetical order: p, tau, theta.
    np.testing.assert_allclose(log_jacobian, sum(alone), rtol=1e-10)


def test_arrays_are_real_unknowns_that_start_there_and_the_rest_is_kept():
    network = {"layers": [np.full((2, 3), 0.5), np.array([1.0, -1.0])], "activation": jnp.tanh, "width": 3}
    parameters = Parameters(network)
    assert parameters.origin.size == 8
    values, log_jacobian = parameters.constrain(parameters.origin)
    jax.tree.map(np.testing.assert_array_equal, values["layers"], network["layers"])
    assert log_jacobian == 0
    assert (values["activation"], values["width"]) == (jnp.tanh, 3)


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: real(0), "shape=0"),
        (lambda: real((2, -1)), "shape"),
        (lambda: positive(1.5), "1.5"),
        (lambda: bounded(2.0, 1.0), "lower first"),
        (lambda: bounded(0.0, np.inf), "positive"),
        (lambda: bounded(0.0, np.nan), "finite"),
        (lambda: simplex(1), "two"),
        (lambda: ordered(1), "two"),
        (lambda: simplex((3, 2)), "simplex"),
        (lambda: Parameters({}), "no unknown"),
        (lambda: Parameters({"a": 3}), "no unknown"),
        (lambda: Parameters({"a": real}), r"a=real\(\)"),
        (lambda: Parameters({"a": real, "b": real()}), r"a=real\(\)"),
    ],
)
def test_refusals(build, word):
    with pytest.raises(ArgumentError, match=word):
        build()
