"""Jumps and holes are told from kinks and steep slopes, whatever else the function does, and named by coordinate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core import precision
from taut.models import LogDensity, positive, real
from taut.models.checks.jumps import jump_words, jumps, of_function


def square(z):
    return -0.5 * jnp.sum(z**2)


WITHOUT = {
    "quadratic": (square, 3),
    "absolute value": (lambda z: -jnp.sum(jnp.abs(z - 0.5)), 3),
    "clip": (lambda z: -jnp.sum(jnp.clip(z, -1, 1) ** 2), 3),
    "maximum": (lambda z: -jnp.sum(jnp.maximum(z, 0.0)), 3),
    "cusp": (lambda z: -jnp.sum(jnp.sqrt(jnp.abs(z))), 2),
    "pole": (lambda z: -jnp.log(jnp.abs(z[0])), 1),
    "steep sigmoid": (lambda z: 5 * jax.nn.sigmoid((z[0] - 0.3) * 1e3), 2),
    "narrow": (lambda z: -0.5 * ((z[0] - 0.3) * 1e3) ** 2, 1),
    "exponential": (lambda z: -jnp.exp(10 * z[0]), 1),
    "funnel": (lambda z: -(z[0] ** 2) / 18 - 2 * z[0] - 0.5 * jnp.sum(z[1:] ** 2) * jnp.exp(-z[0]), 5),
    "far modes": (lambda z: jnp.logaddexp(-0.5 * (99 * z[0] - 50) ** 2, -0.5 * (99 * z[0] + 50) ** 2), 1),
    "large constant": (lambda z: 1e5 + square(z), 3),
}
WITH = {
    "sign": (lambda z: square(z) + 0.3 * jnp.sign(z[1]), 3, {1}),
    "floor": (lambda z: square(jnp.floor(z)), 1, {0}),
    "fine steps": (lambda z: square(jnp.round(20 * z) / 2), 1, {0}),
    "argmax": (lambda z: square(z) + jnp.array([0.0, 1.0, 3.0])[jnp.argmax(z)], 3, {0, 1, 2}),
    "of two": (lambda z: square(z) + jnp.where(z[0] + z[2] > 0.1, 1.0, 0.0), 3, {0, 2}),
    "one in a hundred": (lambda z: square(z) + jnp.where(z[37] > 0.2, 0.5, 0.0), 100, {37}),
    "hole": (lambda z: jnp.where(z[1] > -0.3, square(z), -jnp.inf), 3, {1}),
    "NaN": (lambda z: square(z) + jnp.log(z[0] + 0.4), 3, {0}),
}


def seen(function, dim, dtype):
    a, b = np.random.default_rng(0).normal(size=(2, 8, dim))
    values = of_function(function, dtype)
    with precision.context(dtype):
        return jumps(values, a, a + 2 * (b - a), dtype, least=-1e4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WITHOUT)
def test_what_is_continuous_does_not_jump(name, dtype):
    assert seen(*WITHOUT[name], dtype) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WITH)
def test_what_jumps_or_ends_is_seen_and_named(name, dtype):
    function, dim, axes = WITH[name]
    found = seen(function, dim, dtype)
    assert found
    assert {jump.axis for jump in found} <= axes
    assert found[0].hole == (name in ("hole", "NaN"))


def test_place_and_size_of_a_jump_are_right():
    (jump,) = seen(lambda z: square(z) + jnp.where(z[1] > 0.25, 0.7, 0.0), 3, "float64")
    assert jump.size == pytest.approx(0.7, abs=1e-5)
    assert jump.inside[1] == pytest.approx(0.25, abs=1e-5)
    assert jump.outside[1] < 0.25 < jump.inside[1]


def test_a_jump_far_below_does_not_count():
    def function(z):
        return jnp.where(jnp.abs(z[0]) > 30, -1e3, 0.0) + square(z)

    values, a = of_function(function, "float32"), np.full((1, 1), -60.0)
    assert jumps(values, a, -a, "float32")
    assert not jumps(values, a, -a, "float32", least=-100.0)


def test_the_words_name_the_value_and_the_remedy():
    model = LogDensity(lambda v: 0.0, parameters={"a": real(), "t": positive(2)})
    (jump,) = seen(lambda z: square(z) + jnp.where(z[2] > np.log(1.5), 0.7, 0.0), 3, "float64")
    words = jump_words([jump], model.place)
    assert "jumps in t[1] near 1.5" in words
    assert "sum the discrete choice out" in words
    (hole,) = seen(lambda z: jnp.where(z[0] > -0.3, square(z), -jnp.inf), 3, "float64")
    words = jump_words([jump, hole], model.place)  # a hole is worse
    assert "ends in a near -0.3" in words
    assert "positive()" in words


def normal(x, mean=0.0, sd=1.0):
    return jnp.sum(-0.5 * ((x - mean) / sd) ** 2 - jnp.log(sd))


STEPS = {
    "rounded": (lambda v: normal(v["m"]) + normal(jnp.round(v["k"])), {"m": real(), "k": real()}, "k"),
    "switch": (
        lambda v: normal(jnp.where(jnp.arange(9.0) < v["k"], v["a"], v["b"]), 2.0) + normal(v["k"], 4.0, 3.0) - v["a"],
        {"a": positive(), "b": real(), "k": real()},
        "k",
    ),
    "part": (lambda v: normal(v["x"]) + jnp.sign(v["x"][1]), {"x": real(3)}, r"x[1]"),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_check_notes_jumps_and_never_calls_their_unknown_ignored(name):
    log_joint, parameters, which = STEPS[name]
    said = str(LogDensity(log_joint, parameters=parameters).check())
    assert f"The log density jumps in {which} near" in said
    assert "ignores" not in said


def test_a_check_notes_where_the_density_ends():
    said = str(LogDensity(lambda v: normal(v["m"]) + 2 * jnp.log(v["m"] + 0.5), parameters={"m": real()}).check())
    assert "The log density ends in m near -0.5" in said
