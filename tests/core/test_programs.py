"""Programs that closures share: nothing is compiled for other data, and each closure has the answer of its own data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.core.batch import Batch
from taut.core.programs import Shared
from taut.models import LogDensity, above, positive, real
from taut.models.density import Density

from ..helpers.compilations import compilations

WHOLE = Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(()))
Z = np.array([[0.3, -0.2], [1.0, 0.5]])


def plain(y):
    return lambda v: -0.5 * jnp.sum((y - v["m"]) ** 2) - v["s"]


def helped(y):
    def residual(v):
        return y - v["m"]

    return lambda v: -0.5 * jnp.sum(residual(v) ** 2) - v["s"]


def by_default(y):
    return lambda v, y=y: -0.5 * jnp.sum((y - v["m"]) ** 2) - v["s"]


def prepared(y):
    """NumPy works on the data, as it may on what is no unknown."""
    return lambda v: -0.5 * jnp.sum((np.sort(y) - v["m"]) ** 2) - v["s"] + 0.0 * np.log(1 + y**2).sum()


class Problem:
    def __init__(self, y):
        self.y = y

    def log_joint(self, v):
        return -0.5 * jnp.sum((self.y - v["m"]) ** 2) - v["s"]


def compiled(y):
    return jax.jit(plain(y))


def scalar(y):
    total, square, n = float(y.sum()), float((y**2).sum()), len(y)
    return lambda v: -0.5 * (square - 2 * v["m"] * total + n * v["m"] ** 2) - v["s"]


KINDS = {
    "a closure": (plain, True),
    "a closure in a closure": (helped, True),
    "a default": (by_default, True),
    "data prepared inside": (prepared, True),
    "a method": (lambda y: Problem(y).log_joint, True),
    "a compiled closure": (compiled, False),  # right, and compiled anew
    "numbers": (scalar, False),
}


def density(log_joint):
    return Density(LogDensity(log_joint, parameters={"m": real(), "s": positive()}), WHOLE, np.dtype("float64"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_density_around_other_data_has_its_own_answer_and_compiles_nothing(kind):
    build, shares = KINDS[kind]
    data = np.array([1.0, 2.0, 4.0])
    density(build(data))(Z)
    for y in (data + 1, -3 * data):
        with compilations() as names:
            values = density(build(y))(Z)
        exact = -0.5 * ((y - Z[:, :1]) ** 2).sum(1) - np.exp(Z[:, 1]) + Z[:, 1]
        np.testing.assert_allclose(values.value, exact, rtol=1e-12)
        np.testing.assert_allclose(values.gradient[:, 0], (y - Z[:, :1]).sum(1), rtol=1e-12)
        assert not shares or not names
    assert density(build(np.arange(5.0)))(Z).value.shape == (2,)  # of another shape


def test_a_second_fit_of_a_closure_compiles_nothing():
    def build(y):
        def log_joint(v):
            return -0.5 * jnp.sum((y - v["m"]) ** 2) - v["s"]

        return LogDensity(log_joint, parameters={"m": real(), "s": above(1.0)}, derived=derived)

    def derived(v):
        return {"sum": v["m"] + v["s"]}

    y = np.array([1.0, 2.0, 4.0])
    first = taut.fit(build(y), family="full-rank", algorithm="score-regression", progress=False)
    first.summary()
    with compilations() as names:
        fit = taut.fit(build(y + 1), family="full-rank", algorithm="score-regression", progress=False)
        table = fit.summary()
    assert names == []
    assert table["mean"][0] - first.summary()["mean"][0] == pytest.approx(1.0, abs=1e-3)


def test_a_function_of_functions_is_shared_by_its_text():
    calls = Shared(lambda f, x: {"value": f(x)})
    x = np.arange(3.0, dtype=np.float32)
    for plain_translation in (True, False):
        calls(lambda x: x * 2.0, x, plain=plain_translation)
        with compilations() as names:
            again = calls(lambda x: x * 2.0, x, plain=plain_translation)
        assert names == []
        np.testing.assert_array_equal(again["value"], 2 * x)
        np.testing.assert_array_equal(calls(lambda x: x * 3.0, x, plain=plain_translation)["value"], 3 * x)


def test_arguments_that_are_not_used_are_not_confused():
    """Both functions have the same text where what they do not use is left out."""
    pick = Shared(lambda f, a, b: f(a, b))
    a, b = np.ones(2, np.float32), np.full(2, 5, np.float32)
    seen = [pick(f, a, b, plain=True) for f in (lambda a, b: 2 * a, lambda a, b: 2 * b)]
    np.testing.assert_array_equal(seen, [2 * a, 2 * b])


def test_data_as_an_argument_and_data_closed_over_may_share():
    data = np.array([1.0, 2.0, 4.0], np.float32)
    run = Shared(lambda f, *more: {"value": f(*more)})
    given = run(lambda y: y.sum(), data, plain=True)
    closed = run(lambda: jnp.asarray(data + 1).sum(), plain=True)
    assert (float(given["value"]), float(closed["value"])) == (7.0, 10.0)
