"""Gaussian expectations of the logistic functions against dense quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from taut.models.expectations import SMALL_VARIANCE, expected_softplus, logistic_expectations

# On a grid of step h the trapezoid rule errs by exp(-2 pi (pi / sd) / h), as softplus is analytic within pi of the
# real line: 4e-22 at sd 20 and h = 0.02. Beyond 10 sd lies 1e-23 of the mass.
NODES = np.arange(-10, 10 + 1e-9, 0.02)
WEIGHTS = 0.02 * np.exp(-0.5 * NODES**2) / np.sqrt(2 * np.pi)
MEANS, VARIANCES = (
    a.ravel()
    for a in np.meshgrid(
        np.concatenate([np.linspace(-40, 40, 81), [-1e-3, 1e-3]]),
        np.concatenate([[0.0, 1e-12, 1e-6], np.linspace(0.001, 0.1, 25), np.geomspace(0.1, 400, 40)]),
    )
)


def by_quadrature(m, v):
    """E softplus, E sigmoid, E sigmoid' of N(m, v), each `[R]`."""
    eta = m[:, None] + np.sqrt(v)[:, None] * NODES
    p = expit(eta)
    return np.logaddexp(0, eta) @ WEIGHTS, p @ WEIGHTS, (p * expit(-eta)) @ WEIGHTS


@pytest.fixture(scope="module")
def reference():
    return by_quadrature(MEANS, VARIANCES)


def test_the_quadrature_itself():
    # At v = 0 the expectation is the function; E sigmoid is 1/2 at m = 0 by symmetry, whatever the variance.
    softplus, p, _ = by_quadrature(np.array([3.0, 0.0]), np.array([0.0, 400.0]))
    np.testing.assert_allclose([softplus[0], p[1]], [np.logaddexp(0, 3.0), 0.5], rtol=1e-13)


@pytest.mark.usefixtures("x64")
def test_values_are_good_to_1e8_everywhere(reference):
    found = jax.jit(logistic_expectations)(MEANS, VARIANCES)
    for name, mine, exact in zip(("softplus", "sigmoid", "slope"), found, reference, strict=True):
        np.testing.assert_allclose(mine, exact, rtol=0, atol=1e-8, err_msg=name)


@pytest.mark.usefixtures("x64")
def test_where_the_variance_is_small_they_are_good_to_1e11(reference):
    small = VARIANCES < SMALL_VARIANCE
    for mine, exact in zip(jax.jit(logistic_expectations)(MEANS, VARIANCES), reference, strict=True):
        np.testing.assert_allclose(np.asarray(mine)[small], exact[small], rtol=0, atol=1e-11)


@pytest.mark.usefixtures("x64")
def test_derivatives_of_the_expected_softplus_are_the_exact_expectations(reference):
    # Bonnet: d/dm E f = E f';  Price: d/dv E f = 1/2 E f''. At v = 0 as well, where the nodes' own derivative is 0/0.
    def total(m, v):
        return jnp.sum(expected_softplus(m, v))

    dm, dv = jax.jit(jax.grad(total, (0, 1)))(MEANS, VARIANCES)
    np.testing.assert_allclose(dm, reference[1], rtol=0, atol=1e-8)
    np.testing.assert_allclose(dv, 0.5 * reference[2], rtol=0, atol=1e-8)


@pytest.mark.usefixtures("x64")
def test_forward_derivatives_are_the_backward_ones():
    m, v, dm, dv = np.array([[-2.0, 0.3, 9.0], [0.0, 0.05, 40.0], [1.0, -0.5, 2.0], [0.3, 1.0, -1.0]])
    along = jax.jit(lambda: jax.jvp(expected_softplus, (m, v), (dm, dv))[1])()
    _, p, slope = by_quadrature(m, v)
    np.testing.assert_allclose(along, p * dm + 0.5 * slope * dv, rtol=0, atol=1e-8)


@pytest.mark.usefixtures("x64")
def test_nothing_jumps_where_the_formula_changes():
    # The two formulas differ by the error of the mixture and by nothing else.
    m = np.linspace(-40, 40, 2001)
    below, above = (np.full_like(m, SMALL_VARIANCE * (1 + sign * 1e-12)) for sign in (-1, 1))
    expectations = jax.jit(logistic_expectations)
    for left, right in zip(expectations(m, below), expectations(m, above), strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-8)


def test_single_precision_stays_single_and_accurate(reference):
    found = jax.jit(logistic_expectations)(MEANS.astype("float32"), VARIANCES.astype("float32"))
    for mine, exact in zip(found, reference, strict=True):
        assert mine.dtype == "float32"
        np.testing.assert_allclose(mine, exact, rtol=5e-6, atol=5e-6)


def test_extreme_logits_stay_finite_in_single_precision():
    m, v = np.array([-1e4, 1e4, 0.0], "float32"), np.array([0.0, 1e6, 1e8], "float32")

    def total(m, v):
        return jnp.sum(expected_softplus(m, v))

    for values in (*jax.jit(logistic_expectations)(m, v), *jax.jit(jax.grad(total, (0, 1)))(m, v)):
        assert np.all(np.isfinite(values))
