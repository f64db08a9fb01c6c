"""Bad models: each is refused before any fitting, by a message that names the parameter and the remedy."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

import taut
from taut.errors import ArgumentError, DataError
from taut.models import LogDensity, bounded, ordered, positive, real, simplex, unit_interval

MU = {"mu": real()}
TWO = {"mu": real(), "sigma": positive()}
Y = np.array([1.0, 2.0, 4.0])


def normal(x, mean=0.0, sd=1.0):
    return jnp.sum(-0.5 * ((x - mean) / sd) ** 2 - jnp.log(sd))


@jax.custom_jvp
def misderived(x):
    return -0.5 * x**2


misderived.defjvp(lambda primals, tangents: (misderived(*primals), -3.0 * primals[0] * tangents[0]))


BAD = {
    # What it returns, found from shapes alone.
    "array": (lambda v: -(v["theta"] ** 2), {"theta": real(8)}, r"shape \(8,\).*jnp\.sum"),
    "nothing": (lambda v: None, MU, "returns nothing"),
    "number": (lambda v: -1.0, MU, "does not depend on the parameters"),
    "integer": (lambda v: jnp.sum(v["mu"] > 0), MU, "dtype int"),
    "pair": (lambda v: (v["mu"], 1), MU, "returns a tuple"),
    "unknown name": (lambda v: v["tau"], TWO, "asks for 'tau'.*names mu, sigma"),
    "wrong shapes": (lambda v: jnp.sum(v["a"] + v["b"]), {"a": real(3), "b": real(4)}, r"a \(3,\), b \(4,\)"),
    "an if": (lambda v: -v["mu"] if v["mu"] > 0 else v["mu"], MU, "jnp.where"),
    "numpy": (lambda v: -np.square(np.asarray(v["mu"])), MU, "Use jax.numpy"),
    "start": (lambda v: -(v["mu"] ** 2), {"mu": np.array(np.nan)}, "start of mu is not finite"),
    # Where it is finite.
    "NaN": (lambda v: v["mu"] * jnp.nan, MU, "NaN at the start"),
    "-inf": (lambda v: jnp.where(v["mu"] > 50, -(v["mu"] ** 2), -jnp.inf), MU, "not finite at the start.*start there"),
    "+inf": (lambda v: jnp.inf + v["mu"], MU, r"infinite \(\+inf\)"),
    "gradient": (lambda v: jnp.where(v["mu"] < 99, -(v["mu"] ** 2), jnp.sqrt(-jnp.abs(v["mu"]))), MU, "gradient.*mu"),
    # Supports.
    "positive": (
        lambda v: normal(Y, v["mu"], v["sigma"]) - v["sigma"],
        {"mu": real(), "sigma": real()},
        r"sigma.*real\(\).*positive\(\)",
    ),
    "probability": (lambda v: 3 * jnp.log(v["p"]) + 2 * jnp.log1p(-v["p"]), {"p": real()}, r"p.*unit_interval\(\)"),
    # Flat and improper.
    "constant": (lambda v: 0.0 * v["mu"] + 1.0, MU, "uses none of its parameters"),
    "ignored": (lambda v: normal(v["mu"]), {"mu": real(), "nu": real()}, "ignores nu.*improper"),
    "ignored positive": (lambda v: normal(v["mu"]), TWO, "ignores sigma.*improper"),
    "ignored part": (lambda v: normal(v["x"][:2]), {"x": real(3)}, r"ignores x\[2\]"),
    "large and ignored": (lambda v: normal(v["x"][:99]), {"x": real(100)}, r"ignores x\[99\]"),
    "sum only": (lambda v: normal(v["a"] + v["b"], 3.0), {"a": real(), "b": real()}, "a, b can move together"),
    "softmax": (
        lambda v: jax.nn.log_softmax(v["a"])[0] * 3 + jax.nn.log_softmax(v["a"])[1],
        {"a": real(2)},
        r"a\[0\], a\[1\]",
    ),
    "rising": (lambda v: v["mu"], MU, "does not fall for large values of mu"),
    "flat to one side": (lambda v: -jnp.exp(v["mu"]), MU, "very negative values of mu"),
    "no prior of a scale": (lambda v: normal(v["mu"]) - jnp.log1p(v["sigma"]), TWO, "large values of sigma"),
    "jeffreys": (lambda v: normal(v["mu"]) - jnp.log(v["sigma"]) - v["sigma"], TWO, "very negative values of sigma"),
    "1/x tail": (lambda v: -0.4 * jnp.log1p(v["mu"] ** 2), MU, "large values of mu"),
    "periodic": (lambda v: jnp.cos(v["mu"]), MU, "improper.*mu"),
    "large and improper": (
        lambda v: normal(v["x"]) + normal(v["s"], 0.0, 1.0) - jnp.log(1.0),
        {"x": real(70), "s": positive(), "t": positive()},
        "ignores t",
    ),
    # Gradients.
    "stopped alone": (
        lambda v: normal(v["mu"]) + normal(jax.lax.stop_gradient(v["k"])),
        {"mu": real(), "k": real()},
        "changes with k.*gradient is zero",
    ),
    "stopped": (lambda v: normal(v["mu"]) + normal(jax.lax.stop_gradient(v["mu"]), 3.0), MU, "with respect to mu is"),
    "wrong derivative": (lambda v: misderived(v["mu"]), MU, "with respect to mu is not that"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_models_are_refused(name):
    log_joint, parameters, message = BAD[name]
    with pytest.raises(ArgumentError, match=f"(?s){message}"):
        LogDensity(log_joint, parameters=parameters).check()


def test_an_array_with_nan_inside_the_function_is_named():
    data = np.array([1.0, np.nan, np.nan])
    with pytest.raises(ArgumentError, match="array 'data' inside it holds 2 NaN"):
        LogDensity(lambda v: normal(data, v["mu"]), parameters=MU).check()


GOOD = {
    "cauchy": (lambda v: -jnp.log1p(v["mu"] ** 2), MU),
    "wide prior": (lambda v: normal(v["mu"], 3.0, 1e10), MU),
    "gamma of tiny shape": (lambda v: (0.001 - 1) * jnp.log(v["s"]) - 0.001 * v["s"], {"s": positive()}),
    "gamma likelihood, flat prior": (lambda v: -3 * jnp.log(v["s"]) - 2 / v["s"], {"s": positive()}),
    "uniform": (lambda v: jnp.sum(0.0 * v["p"]) + normal(v["mu"]), {"p": simplex(3), "mu": real()}),
    "beta": (lambda v: -0.5 * jnp.log(v["p"]) - 0.5 * jnp.log1p(-v["p"]), {"p": unit_interval()}),
    "scales": (lambda v: normal(v["a"], 1e5, 1e-3) + normal(v["b"], 1e-4, 1e5), {"a": real(), "b": real()}),
    "ordered": (lambda v: normal(v["c"], 0.0, 3.0), {"c": ordered(3)}),
    "interval": (lambda v: v["x"], {"x": bounded(-3, 1)}),
    "collinear": (lambda v: normal(v["a"] + 1e-6 * v["b"], 3.0, 1e-3) + normal(v["b"]), {"a": real(), "b": real()}),
    "kinked": (lambda v: -jnp.sum(jnp.abs(v["x"])), {"x": real(3)}),
    "funnel": (
        lambda v: normal(v["v"], 0.0, 3.0) + normal(v["x"], 0.0, jnp.exp(v["v"] / 2)),
        {"v": real(), "x": real(4)},
    ),
    "large": (lambda v: normal(v["x"]) - v["s"], {"x": real(90), "s": positive()}),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_models_pass(name):
    log_joint, parameters = GOOD[name]
    found = LogDensity(log_joint, parameters=parameters).check()
    assert found.finite == found.points
    assert np.isfinite(found.log_density)
    assert found.dim == LogDensity(log_joint, parameters=parameters).dim(None)
    assert "finite, with its gradient" in str(found)


def test_a_uniform_parameter_is_noted():
    log_joint, parameters = GOOD["uniform"]
    assert "uniform on its set" in LogDensity(log_joint, parameters=parameters).check().notes[0]


def test_a_region_without_density_is_noted():
    model = LogDensity(lambda v: normal(v["mu"]) + jnp.log(jnp.where(v["mu"] > 1, jnp.nan, 1.0)), parameters=MU)
    found = model.check()
    assert 0 < found.finite < found.points
    assert "not finite at" in str(found)


def test_a_start_without_density_is_noted():
    model = LogDensity(lambda v: normal(v["mu"]) - 1 / v["mu"] ** 2, parameters=MU)
    assert "The start is one of them" in str(model.check())


def test_a_cast_inside_is_noted():
    model = LogDensity(lambda v: normal(v["mu"].astype(jnp.float32)), parameters=MU)
    assert "float32" in str(model.check())


def test_single_precision_is_checked_too():
    log_joint, parameters = GOOD["funnel"]
    assert LogDensity(log_joint, parameters=parameters).check(dtype="float32").finite == 32


ROWS = {"w": real()}


def rows_model(log_likelihood, log_prior=lambda v: normal(v["w"])):
    return LogDensity(parameters=ROWS, log_likelihood=log_likelihood, log_prior=log_prior)


def test_rows_pass():
    assert rows_model(lambda v, y: -0.5 * (y - v["w"]) ** 2).check(Y).finite == 32


def test_rows_are_needed():
    with pytest.raises(DataError, match="pass the rows"):
        rows_model(lambda v, y: -0.5 * (y - v["w"]) ** 2).check()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (rows_model(lambda v, y: -0.5 * jnp.sum((y - v["w"]) ** 2)), "do not sum over the rows"),
        (rows_model(lambda v, y: (y - v["w"])[:, None] * jnp.ones(2)), "sum over all other axes"),
        (rows_model(lambda v, y: y - v["w"], lambda v: v["w"] * jnp.ones(2)), "log_prior returns an array"),
        (rows_model(lambda v, y: 0 * y + v["w"] * 0, lambda v: 0 * v["w"]), "constant"),
    ],
)
def test_bad_rows_are_refused(model, message):
    with pytest.raises(ArgumentError, match=message):
        model.check(Y)


def test_data_carried_by_the_function_are_arguments():
    """Another data set of the same shape is traced for its shapes only, and compiles nothing."""
    traced = []

    def log_joint(y, v):
        traced.append(1)
        return normal(y, v["mu"])

    def check(y):
        before = len(traced)
        LogDensity(jax.tree_util.Partial(log_joint, y), parameters=MU).check()
        return len(traced) - before

    assert check(Y) > 1
    assert check(Y + 1) == 1


UNTRACEABLE = {
    "a function of NumPy": (lambda v: np.log(v["x"]), "jnp.log for np.log"),
    "a product of NumPy": (lambda v: Y[:2].dot(v["t"]), "jax.numpy"),
    "scipy.stats": (lambda v: scipy.stats.norm.logpdf(Y, v["x"], 1.0).sum(), "jax.scipy.stats.norm.logpdf"),
    "scipy.special": (lambda v: scipy.special.gammaln(v["x"]), "jax.scipy"),
    "float": (lambda v: -float(v["x"]), "Leave it an array"),
    "math": (lambda v: math.log(v["x"]), "jax.numpy for math"),
    "item": (lambda v: v["x"].item(), "Leave it an array"),
    "if": (lambda v: -v["x"] if v["x"] > 0 else v["x"], "jnp.where(condition, a, b)"),
    "and": (lambda v: 1.0 * (v["x"] > 0 and v["x"] < 1), "jnp.where"),
    "max": (lambda v: max(v["x"], 0.0), "jnp.maximum"),
    "a mask": (lambda v: v["t"][v["t"] > 0].sum(), "jnp.where(condition, x, 0.0)"),
    "a loop": (
        lambda v: jax.lax.while_loop(lambda c: c[0] < v["x"], lambda c: (c[0] + 1, c[1] * v["x"]), (0.0, 1.0))[1],
        "jax.lax.scan",
    ),
    "a callback": (
        lambda v: jax.pure_callback(np.log, jax.ShapeDtypeStruct((), v["x"].dtype), v["x"]),
        "jax.custom_vjp",
    ),
    "a callback in a compiled function": (
        jax.jit(lambda v: -jax.pure_callback(np.abs, jax.ShapeDtypeStruct((), v["x"].dtype), v["x"])),
        "jax.custom_vjp",
    ),
}


@pytest.mark.parametrize("name", UNTRACEABLE)
@pytest.mark.parametrize("ask", [LogDensity.check, functools.partial(taut.fit, progress=False)], ids=["check", "fit"])
def test_a_density_without_gradient_is_refused_with_the_way_out(name, ask):
    log_joint, remedy = UNTRACEABLE[name]
    with pytest.raises(ArgumentError) as refusal:
        ask(LogDensity(log_joint, parameters={"x": positive(), "t": real(2)}))
    message = str(refusal.value)
    assert message.startswith("log_joint ")
    assert remedy in message
    assert len(message) < 480
    assert "\n" not in message
    assert "Tracer" not in message


def test_the_line_is_named_and_a_loop_with_a_gradient_is_none_of_these():
    def log_joint(v):
        spare = 2.0
        return -np.abs(v["x"]) * spare

    with pytest.raises(ArgumentError, match=r"in the line `return -np.abs"):
        LogDensity(log_joint, parameters={"x": real()}).check()
    LogDensity(
        lambda v: -jax.lax.fori_loop(0, 3, lambda i, x: x + v["x"] ** 2, v["x"]) - v["x"] ** 2, parameters={"x": real()}
    ).check()
