"""Wrong supports, starts, functions and data of a log density: each gives a plain error that says what was received."""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.errors import ArgumentError, DataError
from taut.models import LogDensity, bounded, ordered, positive, real, simplex


def square(v):
    return -0.5 * jnp.sum(v["a"] ** 2)


SUPPORTS = {
    "a text as bound": (lambda: bounded("0", "1"), "two finite numbers"),
    "nothing as bound": (lambda: bounded(None, 1), "both bounds are needed"),
    "complex": (lambda: bounded(1j, 2), "two finite numbers"),
    "boolean shape": (lambda: real(True), "shape=True"),
    "array shape": (lambda: real(np.array([2, 3])), "shape=an array"),
    "float simplex": (lambda: simplex(3.0), r"simplex\(3.0\): a whole number"),
    "short order": (lambda: ordered(1), "at least two"),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_wrong_supports(name):
    build, message = SUPPORTS[name]
    with pytest.raises(ArgumentError, match=message):
        build()


def test_numbers_of_numpy_and_jax_are_numbers():
    assert bounded(np.float32(0), jnp.asarray(2.0)).bounds == (0.0, 2.0)
    assert real(np.int64(3)).shape == (3,)
    assert (simplex(np.int32(3)).shape, ordered(np.int64(2)).shape) == ((3,), (2,))


PARAMETERS = {
    "a number": ({"a": 3.0}, "np.array"),
    "a text beside a support": ({"a": real(), "b": "positive"}, "b='positive' is a text"),
    "not called": ({"a": real(), "b": positive}, r"b=positive\(\)"),
    "mixed names": ({"a": real(), 1: real()}, "all be texts"),
    "no numbers": ({"a": np.zeros((0, 2))}, r"a is an array of shape \(0, 2\)"),
    "one name twice": ({"a": {"b": real()}, "a.b": real()}, "names 'a.b' twice"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_wrong_parameters(name):
    template, message = PARAMETERS[name]
    with pytest.raises(ArgumentError, match=message):
        LogDensity(square, parameters=template)


def fails(error):
    def log_joint(v):
        raise error

    return log_joint


@pytest.mark.parametrize("error", [RuntimeError("boom"), AssertionError("boom"), NameError("boom"), OSError("boom")])
def test_whatever_the_function_raises_comes_with_the_shapes(error):
    with pytest.raises(ArgumentError, match=r"failed on parameters of these shapes: a \(3,\).*boom"):
        taut.fit(LogDensity(fails(error), parameters={"a": real(3)}))


ROWS = {
    "a number": (3.0, "hold 3.0: arrays of numbers are needed"),
    "texts": (np.array(["a", "b"]), "numbers are needed"),
    "a number among arrays": ({"x": np.ones(3), "n": 3}, "hold 3: arrays of numbers are needed"),
}


@pytest.mark.parametrize("name", ROWS)
def test_wrong_rows(name):
    data, message = ROWS[name]
    model = LogDensity(log_likelihood=lambda v, y: -((y - v["a"]) ** 2), log_prior=square, parameters={"a": real()})
    with pytest.raises(DataError, match=message):
        taut.fit(model, data)
