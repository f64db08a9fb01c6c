"""E log p(y|eta) under eta ~ N(m, v), its slope and curvature: against dense quadrature, for every likelihood."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.capabilities import Capability
from taut.models import likelihoods

from ...helpers.likelihoods import TWINS, by_quadrature, stacked

VARIANCES = [0.0, 1e-8, 1e-4, 0.0899, 0.0901, 0.7, 1.0, 1.01, 9.0, 100.0]
MEANS = [-30.0, -8.0, -0.3, 0.7, 3.0, 11.0]
moments = jax.jit(lambda likelihood, m, v, y: likelihood.expectation(m, v, y))
CASES = [(name, values) for name, twin in TWINS.items() for values in twin.values]


def table(twin):
    """Every mean with every variance and every observation, as a list and as arrays."""
    cases = list(itertools.product(MEANS, VARIANCES, twin.ys))
    m, v = (np.array(x) for x in list(zip(*cases, strict=True))[:2])
    return cases, m, v, stacked([y for _, _, y in cases])


@pytest.fixture(scope="module")
def reference():
    known = {}

    def of(name, values):
        key = (name, str(values))
        if key not in known:
            twin = TWINS[name]
            with np.errstate(over="ignore"):
                known[key] = np.array([by_quadrature(twin, *case, values) for case in table(twin)[0]])
        return known[key]

    return of


def test_every_likelihood_with_an_expectation_is_here():
    closed = {kind.name for kind in likelihoods.SHELF if kind.target and Capability.CLOSED_LIKELIHOOD in offers(kind)}
    assert closed == set(TWINS)
    assert Capability.CLOSED_LIKELIHOOD not in likelihoods.Multinomial(3).offers


def offers(kind):
    return (kind(3) if kind in (likelihoods.Multinomial, likelihoods.Ordinal) else kind()).offers


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("name", "values"), CASES, ids=str)
def test_value_slope_and_curvature_are_good_to_1e6(name, values, reference):
    twin, exact = TWINS[name], reference(name, values)
    _, m, v, y = table(twin)
    found = np.array(moments(twin.make.with_parameters(values), m, v, y)).T
    # Where e^(m + v/2) is beyond 1e290 the reference itself has no number left.
    counted = np.all(np.abs(exact) < 1e290, axis=1)
    assert counted.mean() > 0.8
    scale = np.maximum(1, np.abs(exact[:, :1])) if name == "beta" else np.maximum(1, np.abs(exact))
    error = np.abs(found - exact)[counted] / scale[counted]
    assert error.max() < 1e-7, (error.max(0), np.array(table(twin)[0], object)[counted][error.max(1).argmax()])


@pytest.mark.parametrize("name", TWINS)
def test_single_precision_stays_single_and_accurate(name, reference):
    twin = TWINS[name]
    values = twin.values[min(1, len(twin.values) - 1)]
    exact = reference(name, values)
    _, m, v, y = table(twin)
    m, v, y = jax.tree.map(lambda x: x.astype("float32"), (m, v, y))
    single = {key: np.asarray(x, "float32") for key, x in values.items()}
    found = moments(twin.make.with_parameters(single), m, v, y)
    assert {x.dtype for x in found} == {np.dtype("float32")}
    counted = np.all(np.abs(exact) < 1e30, axis=1) & (m + v / 2 < 80)
    # Rounding of y - mean and of log Gamma(y + 1) in the thousands.
    error = np.abs(np.array(found).T - exact)[counted] / np.maximum(1, np.abs(exact[counted]))
    assert error.max() < 3e-4, error.max(0)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", TWINS)
def test_derivatives_of_the_value_are_slope_and_half_the_curvature(name):
    twin = TWINS[name]
    likelihood = twin.make.with_parameters(twin.values[-1])
    m, v = np.array([-1.0, 0.3, 0.3, 2.0]), np.array([0.0, 1e-8, 0.5, 4.0])
    y = stacked([twin.ys[1]] * 4)

    @jax.jit
    def both(m, v):
        dm, dv = jax.grad(lambda m, v: jnp.sum(likelihood.expectation(m, v, y).value), (0, 1))(m, v)
        alone = jax.grad(lambda m, v: jnp.sum(likelihood.expected_log_prob(m, v, y)), (0, 1))(m, v)
        return dm, dv, alone, likelihood.expectation(m, v, y)

    dm, dv, alone, at = both(m, v)
    np.testing.assert_allclose(dm, at.slope, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dv, -0.5 * at.curvature, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(alone, (dm, dv), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["bernoulli", "student-t", "gamma"])
def test_slope_and_curvature_can_be_differentiated_themselves(name):
    twin = TWINS[name]
    m, v, y = np.array([-1.0, 0.3, 2.0]), np.array([0.0, 0.5, 4.0]), stacked([twin.ys[1]] * 3)

    def at(m, v):
        return twin.make.expectation(m, v, y)

    @jax.jit
    def along(m, v):
        ones, none = jnp.ones(3), jnp.zeros(3)
        return jax.jvp(at, (m, v), (ones, none))[1], jax.jvp(at, (m, v), (none, ones))[1]

    in_m, in_v = along(m, v)
    step = 1e-4
    above, below = moments(twin.make, m + step, v, y), moments(twin.make, m - step, v, y)
    third = (above.curvature - below.curvature) / (2 * step)
    fourth = (above.curvature - 2 * moments(twin.make, m, v, y).curvature + below.curvature) / step**2
    np.testing.assert_allclose(in_m.slope, -moments(twin.make, m, v, y).curvature, rtol=1e-12)
    np.testing.assert_allclose(in_m.curvature, third, rtol=1e-5, atol=1e-6)
    # d/dv E f = E f'' / 2, at v = 0 as well.
    np.testing.assert_allclose(in_v.slope, -0.5 * third, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(in_v.curvature, 0.5 * fourth, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", [name for name, twin in TWINS.items() if twin.values[0]])
def test_derivatives_in_a_parameter_are_those_of_the_value(name):
    twin = TWINS[name]
    values = twin.values[1]
    m, v, y = np.array([-0.5, 0.7]), np.array([0.0, 1.7]), stacked([twin.ys[1]] * 2)
    parameter, x = next(iter(values.items()))
    x = np.atleast_1d(np.asarray(x, float))

    @jax.jit
    def value(t, x):
        moved = x * (1 + t)
        there = twin.make.with_parameters({**values, parameter: moved if x.size > 1 else moved[0]})
        return jnp.sum(there.expectation(m, v, y).value)

    slope, step = jax.jit(jax.grad(value))(0.0, x), 1e-5
    by_difference = (value(step, x) - value(-step, x)) / (2 * step)
    np.testing.assert_allclose(slope, by_difference, rtol=1e-5, atol=1e-5)
    assert abs(float(slope)) > 1e-6


def test_rules_are_safe_under_vmap():
    likelihood = likelihoods.NegativeBinomial(3.0)
    m, v, y = np.zeros((4, 3)), np.geomspace(0.1, 90, 12).reshape(4, 3), np.arange(12.0).reshape(4, 3)
    together = jax.jit(likelihood.expectation)(m, v, y)
    by_row = jax.jit(jax.vmap(likelihood.expectation))(m, v, y)
    for one, other in zip(together, by_row, strict=True):
        assert one.shape == (4, 3)
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["poisson", "gamma", "weibull"])
def test_what_is_large_is_finite_below_the_largest_number(name):
    likelihood = TWINS[name].make
    at = np.array([650.0]) if name == "poisson" else np.array([-650.0])
    found = moments(likelihood, at, np.array([90.0]), stacked([TWINS[name].ys[1]]))
    assert all(np.all(np.isfinite(x)) for x in found)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", [n for n in TWINS if n not in ("student-t",)])
def test_the_response_is_the_mean_under_the_posterior_of_the_predictor(name):
    likelihood = TWINS[name].make
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    m, v = np.array([-1.0, 0.5]), np.array([0.3, 1.5])
    known = likelihood.known(stacked([TWINS[name].ys[-1]]))
    mean, sd = jax.jit(likelihood.response)(m, v, known)
    values = np.asarray(likelihood.mean(m[:, None] + np.sqrt(v)[:, None] * nodes, known))
    exact = values @ weights
    np.testing.assert_allclose(mean, exact, rtol=1e-6)
    np.testing.assert_allclose(sd, np.sqrt((values - exact[:, None]) ** 2 @ weights), rtol=1e-5)
