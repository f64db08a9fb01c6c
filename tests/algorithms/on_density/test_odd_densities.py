"""What people give by mistake: improper and wrong-signed densities, holes and steps. A plain error or a true verdict.

No warning of a dependency reaches anyone: pytest turns warnings into errors.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.errors import ArgumentError
from taut.models import LogDensity, bounded, positive, real

MU, TWO = {"mu": real()}, {"a": real(), "b": real()}


def normal(x, mean=0.0, sd=1.0):
    return jnp.sum(-0.5 * ((x - mean) / sd) ** 2 - jnp.log(sd))


def fitted(log_joint, parameters, **options):
    return taut.fit(LogDensity(log_joint, parameters=parameters), progress=False, **options)


IMPROPER = {
    "wrong sign": (lambda v: v["mu"] ** 2, MU, "does not fall for large values of mu"),
    "piecewise constant": (lambda v: jnp.where(v["mu"] > 0, 1.0, 0.0) + 0.0 * v["mu"], MU, "improper"),
    "constant": (lambda v: 0.0 * v["mu"] + 1.0, MU, "uses none of its parameters"),
    "ridge": (lambda v: normal(v["a"] + v["b"], 3.0), TWO, "a, b can move together"),
    "linear": (lambda v: normal(v["a"]) + v["b"], TWO, "does not fall for large values of b"),
    "flat to one side": (lambda v: -jnp.exp(v["mu"]), MU, "very negative values of mu"),
    "no prior of a scale": (
        lambda v: normal(v["mu"]) - jnp.log1p(v["s"]),
        {"mu": real(), "s": positive()},
        "large values of s",
    ),
    "growth": (lambda v: jnp.exp(v["mu"] ** 2), MU, "does not fall for large values of mu"),
    "tail of 1/x": (lambda v: -0.4 * jnp.log1p(v["mu"] ** 2), MU, "improper"),
    "steps": (lambda v: -0.5 * jnp.floor(v["mu"]) ** 2, MU, "jumps in mu"),
    "NaN": (lambda v: v["mu"] * jnp.nan, MU, "NaN at the start"),
}


SLOW = ("wrong sign", "growth", "rounded", "spike")


def marked(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


@pytest.mark.parametrize("name", marked(IMPROPER))
def test_an_improper_density_is_refused_with_the_remedy(name):
    log_joint, parameters, message = IMPROPER[name]
    with pytest.raises(ArgumentError, match=message):
        fitted(log_joint, parameters)


@pytest.mark.parametrize("name", ["ridge", "no prior of a scale"])
@pytest.mark.parametrize(
    "options",
    [{"dtype": "float32"}, {"algorithm": "fixed draws", "family": "mean-field"}, {"algorithm": "batch and match"}],
    ids=["float32", "fixed draws", "batch and match"],
)
def test_whatever_the_algorithm_and_the_precision(name, options):
    log_joint, parameters, message = IMPROPER[name]
    with pytest.raises(ArgumentError, match=message):
        fitted(log_joint, parameters, **options)


HOLES = {
    "half": (lambda v: jnp.where(v["mu"] > 0, -2.0 * v["mu"] - 0.5 * v["mu"] ** 2, -jnp.inf), MU, r"positive\(\)"),
    "shifted": (lambda v: jnp.where(v["mu"] > -1.3, -(v["mu"] ** 2), -jnp.inf), MU, "ends in mu near -1.3"),
    "box": (
        lambda v: jnp.where(jnp.all(jnp.abs(v["x"]) < 1), normal(v["x"]), -jnp.inf),
        {"x": real(3)},
        r"ends in x\[\d\] near -?1",
    ),
    "logarithm": (lambda v: jnp.log(v["a"] + 0.5) + normal(v["a"]) + normal(v["b"]), TWO, "ends in a near -0.5"),
    "of a scale": (
        lambda v: normal(v["mu"]) - v["s"] + jnp.where(v["s"] < 2.0, 0.0, -jnp.inf),
        {"mu": real(), "s": positive()},
        "ends in s near 2",
    ),
}


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_where_the_answer_lies_is_refused_and_named(name):
    log_joint, parameters, message = HOLES[name]
    with pytest.raises(ArgumentError, match=message):
        fitted(log_joint, parameters)


def test_a_hole_far_away_is_no_matter():
    fit = fitted(lambda v: jnp.where(v["mu"] > -8, normal(v["mu"]), -jnp.inf), MU)
    assert (fit.verdict.converged.answer, fit.verdict.trust.answer) == ("yes", "good")


JUMPS = {
    "a part of a vector": (lambda v: normal(v["x"]) + 2 * jnp.sign(v["x"][1]), {"x": real(3)}, r"x[1]"),
    "rounded": (lambda v: normal(v["a"]) + normal(jnp.round(v["b"]), 2.0, 2.0), TWO, "b"),
    "best of three": (
        lambda v: normal(v["x"]) + jnp.array([0.0, 1.0, 3.0])[jnp.argmax(v["x"])],
        {"x": real(3)},
        "x[",
    ),
    "spike": (lambda v: normal(v["mu"]) + jnp.where(jnp.abs(v["mu"]) < 1e-3, 50.0, 0.0), MU, "mu"),
    "beyond four sds": (lambda v: normal(v["mu"]) + jnp.where(v["mu"] > 4, 9.0, 0.0), MU, "mu"),
}


@pytest.mark.parametrize("name", marked(JUMPS))
def test_a_jump_is_named_and_no_certificate_stands(name):
    log_joint, parameters, which = JUMPS[name]
    verdict = fitted(log_joint, parameters).verdict
    assert verdict.converged.answer != "yes"
    assert f"jumps in {which}" in verdict.converged.reason
    assert verdict.trust.answer != "good"


def test_weights_correct_a_step():
    """They are of values, which know of jumps: P(x > 0) = 1 / (1 + e^-2) for a normal with a step of 2 nats at 0."""
    fit = fitted(lambda v: normal(v["mu"]) + jnp.where(v["mu"] > 0, 2.0, 0.0), MU)
    assert fit.verdict.trust.answer == "corrected"
    assert np.mean(fit.sample(4000)["mu"] > 0) == pytest.approx(1 / (1 + np.exp(-2)), abs=0.02)


SOUND = {
    "huge": (lambda v: normal(v["a"], 3e8, 1e8) + normal(v["b"], 0.0, 1e8), TWO, (3e8, 0.0), (1e8, 1e8)),
    "tiny": (lambda v: normal(v["a"], 1e-8, 1e-8) + normal(v["b"], 0.0, 1e-8), TWO, (1e-8, 0.0), (1e-8, 1e-8)),
    "far apart": (lambda v: jnp.logaddexp(normal(v["mu"], -50.0), normal(v["mu"], 50.0)), MU, (0.0,), (50.0,)),
    "rising to the border": (lambda v: 5 * v["p"], {"p": bounded(0.0, 1.0)}, (0.8068,), (0.1829,)),
    "clipped": (lambda v: normal(jnp.clip(v["mu"], -1, 1)) + normal(v["mu"], 0.0, 3.0), MU, (0.0,), (2.866,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SOUND)
def test_what_is_proper_is_fitted_and_trusted(name, dtype):
    log_joint, parameters, mean, sd = SOUND[name]
    fit = fitted(log_joint, parameters, dtype=dtype)
    assert fit.verdict.trust.reliable
    assert fit.verdict.converged.answer == "yes"
    summary = fit.summary()
    np.testing.assert_allclose(summary["sd"], sd, rtol=0.05)
    assert np.all(np.abs(summary["mean"].to_numpy() - mean) < 0.1 * np.array(sd))
