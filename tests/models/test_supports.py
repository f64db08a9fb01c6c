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
from numpyro import distributions as dist
from numpyro.distributions import constraints

from taut.errors import ArgumentError
from taut.models import (
    above,
    below,
    bounded,
    correlation_factor,
    covariance_factor,
    ordered,
    positive,
    positive_ordered,
    real,
    simplex,
    unit_interval,
)
from taut.models.unknowns import Parameters

pytestmark = pytest.mark.usefixtures("x64")
SUPPORTS = {
    "real": (real(3), lambda v: np.isfinite(v)),
    "positive": (positive((2, 2)), lambda v: v > 0),
    "unit interval": (unit_interval(3), lambda v: (v > 0) & (v < 1)),
    "bounded": (bounded(-2.0, 5.0, 3), lambda v: (v > -2) & (v < 5)),
    "simplex": (simplex(4), lambda v: (v > 0) & np.isclose(v.sum(), 1)),
    "ordered": (ordered(4), lambda v: np.all(np.diff(v) > 0)),
    "above": (above(-2.0, 3), lambda v: v > -2),
    "above an array": (above([-2.0, 5.0]), lambda v: v > [-2, 5]),
    "below": (below(1.0, (2, 2)), lambda v: v < 1),
    "below an array": (below(np.array([-1.0, 3.0])), lambda v: v < [-1, 3]),
    "between arrays": (bounded([[0.0, 1.0]], [[1.0, 5.0]]), lambda v: (v > [0, 1]) & (v < [1, 5])),
    "a number and an array": (bounded(0, [1, 2, 3]), lambda v: (v > 0) & (v < [1, 2, 3])),
    "stacked simplex": (simplex(3, stack=(2, 2)), lambda v: (v > 0).all() & np.allclose(v.sum(-1), 1)),
    "stacked ordered": (ordered(3, stack=2), lambda v: np.all(np.diff(v) > 0)),
    "positive ordered": (positive_ordered(3), lambda v: (v[0] > 0) & np.all(np.diff(v) > 0)),
    "stacked positive ordered": (positive_ordered(2, stack=2), lambda v: (v > 0).all() & np.all(np.diff(v) > 0)),
    "correlation factor": (correlation_factor(3), lambda v: np.allclose(np.diag(v @ v.T), 1) & (np.diag(v) > 0).all()),
    "stacked correlation factor": (correlation_factor(2, stack=3), lambda v: np.allclose((v**2).sum(-1), 1)),
    "covariance factor": (covariance_factor(3), lambda v: np.allclose(v, np.tril(v)) & (np.diag(v) > 0).all()),
}
INDEPENDENT = {  # the numbers of a value from which its others follow
    "simplex": np.arange(3),
    "stacked simplex": np.flatnonzero(np.tile([True, True, False], 4)),
    "correlation factor": np.flatnonzero(np.tri(3, k=-1)),
    "stacked correlation factor": np.flatnonzero(np.tile(np.tri(2, k=-1).ravel(), 3)),
    "covariance factor": np.flatnonzero(np.tri(3)),
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
        def free(z):
            return jnp.ravel(parameters.constrain(z)[0]["a"])[INDEPENDENT.get(kind, np.arange(z.size))]

        return parameters.constrain(z)[1], jnp.linalg.slogdet(jax.jacfwd(free)(z))[1]

    return parameters.origin.size, both


@given(z=VECTORS)
@example(z=np.zeros(9))
@pytest.mark.parametrize("kind", SUPPORTS)
def test_the_log_jacobian_is_that_of_the_map(kind, z):
    size, both = claimed_and_exact(kind)
    claimed, exact = both(z[:size])
    np.testing.assert_allclose(claimed, exact, rtol=1e-8, atol=1e-10)


DEPENDENT = {
    "a number above another": ({"b": above(lambda v: v["a"]), "a": real()}, lambda v: v["b"] > v["a"]),
    "a chain": (
        {"a": below(lambda v: v["b"], 2), "b": bounded(0, lambda v: v["c"], 2), "c": above(3.0, 2)},
        lambda v: (v["a"] < v["b"]) & (v["b"] > 0) & (v["b"] < v["c"]) & (v["c"] > 3),
    ),
    "between two": (
        {"a": real(), "m": bounded(lambda v: v["a"], lambda v: v["z"], 3), "z": above(lambda v: v["a"])},
        lambda v: (v["m"] > v["a"]) & (v["m"] < v["z"]),
    ),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_bounds_may_depend_on_other_unknowns(name):
    supports, inside = DEPENDENT[name]
    parameters = Parameters(supports)

    @jax.jit
    def all_of(z):
        values, claimed = parameters.constrain(z)
        volume = jax.jacfwd(lambda z: jnp.concatenate([jnp.ravel(v) for v in parameters.constrain(z)[0].values()]))(z)
        return values, claimed, jnp.linalg.slogdet(volume)[1], parameters.to_vector(values)

    for z in np.random.default_rng(0).normal(0, 2, (8, parameters.origin.size)):
        values, claimed, exact, again = all_of(z)
        assert np.all(inside(values))
        np.testing.assert_allclose(claimed, exact, rtol=1e-8)
        np.testing.assert_allclose(again, z, rtol=1e-7, atol=1e-9)


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


def constrained(**supports):
    parameters = Parameters(supports)
    return parameters.constrain(jnp.zeros(parameters.origin.size))


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: real(0), "shape=0"),
        (lambda: real((2, -1)), "shape"),
        (lambda: positive(1.5), "1.5"),
        (lambda: bounded(2.0, 1.0), "lower first"),
        (lambda: bounded([0, 1], [1, 1]), "lower first"),
        (lambda: bounded([0, 1], [1, 2, 3]), "different shapes"),
        (lambda: bounded(None, 3), "both"),
        (lambda: above([1, 2], 3), "one bound for each"),
        (lambda: above("a"), "lambda v"),
        (lambda: below([[0], [1, 2]]), "finite number"),
        (lambda: above(None), "real()"),
        (lambda: ordered(3, stack="a"), "stack='a'"),
        (lambda: correlation_factor(1), "two quantities"),
        (lambda: Parameters({"a": "positive"}), r"write a=positive\(\)"),
        (lambda: Parameters({"a": "Unit-Interval"}), r"write a=unit_interval\(\)"),
        (lambda: Parameters({"a": "interval"}), r"write a=bounded\(0, 10\)"),
        (lambda: Parameters({"a": "lower"}), r"write a=above\(0\)"),
        (lambda: Parameters({"a": "corr_cholesky"}), r"write a=correlation_factor\(3\)"),
        (lambda: Parameters({"a": "positve"}), "Did you mean 'positive'"),
        (lambda: Parameters({"a": simplex}), r"a=simplex\(3\)"),
        (lambda: Parameters({"a": real(), "b": constraints.positive}), r"NumPyro's Positive.*b=positive\(\)"),
        (lambda: Parameters({"a": dist.Normal(jnp.zeros(()), 1.0)}), "NumPyro's Normal"),
        (lambda: constrained(a=above(lambda v: v["b"]), b=below(lambda v: v["a"])), "circle: a -> b -> a"),
        (lambda: constrained(a=above(lambda v: v["q"]), b=real()), "'q', which is no other unknown"),
        (lambda: constrained(a=above(lambda v: v["b"]), b=real(3)), "one bound for each"),
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
