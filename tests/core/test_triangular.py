"""Solving with a triangular factor by matrix products: as exact as substitution, with the same derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.linalg import solve_triangular

from taut.core.triangular import BLOCK, solve_lower, solve_upper

SIZES = (1, 2, 5, BLOCK, BLOCK + 1, 2 * BLOCK + 7)


def factor(D, condition, rotated, seed=0):
    """A lower-triangular factor of this condition number, by unequal scales alone or in a rotated frame."""
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(1, condition, D)
    if rotated:
        frame = np.linalg.qr(rng.normal(size=(D, D)))[0]
        return np.linalg.cholesky((frame * sizes**2) @ frame.T)
    lower = np.tril(rng.normal(size=(D, D)) / D, -1) + np.diag(rng.uniform(0.5, 1, D))
    return rng.permutation(sizes)[:, None] * lower


def substituted(L, b):
    """The solution in extended precision."""
    L, b, x = L.astype(np.longdouble), b.astype(np.longdouble), np.zeros(b.size, np.longdouble)
    for i in range(b.size):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rotated", [False, True], ids=["scales", "rotated"])
@pytest.mark.parametrize("D", SIZES)
def test_it_is_as_exact_as_substitution(D, rotated, dtype, x64):
    condition = 1e3 if dtype == np.float32 else 1e7
    for seed in range(4):
        L = factor(D, condition, rotated, seed).astype(dtype)
        b = (L @ np.random.default_rng(seed).normal(size=D)).astype(dtype)
        exact = substituted(L, b)
        # Higham's bound of substitution, |L^{-1}| |L| |x| times the rounding of a sum.
        bound = np.abs(np.linalg.inv(L.astype(float))) @ np.abs(L) @ np.abs(exact).astype(float)
        error = np.abs(np.asarray(solve_lower(L, b)) - exact)
        assert np.all(error < (2 + np.sqrt(D)) * np.finfo(dtype).eps * bound)


@pytest.mark.parametrize("D", SIZES)
def test_its_derivatives_are_those_of_the_solve(D, x64):
    rng = np.random.default_rng(D)
    L, many = factor(D, 10.0, True), rng.normal(size=(3, D))

    def of(solve):
        return lambda L, many: jnp.sum(jnp.sin(jax.vmap(lambda b: solve(L, b))(many)))

    theirs = of(lambda L, b: solve_triangular(L, b, lower=True))
    for a, b in zip(*(jax.jit(jax.grad(f, (0, 1)))(L, many) for f in (of(solve_lower), theirs)), strict=True):
        np.testing.assert_allclose(np.tril(a), np.tril(b), rtol=1e-9, atol=1e-11)
    if D <= 5:
        curvatures = (jax.jit(jax.hessian(f, 1))(L, many) for f in (of(solve_lower), theirs))
        np.testing.assert_allclose(*curvatures, rtol=1e-9, atol=1e-12)


def test_an_upper_factor_and_many_right_hand_sides(x64):
    L = factor(5, 10.0, True)
    np.testing.assert_allclose(solve_upper(L.T, np.eye(5)), np.linalg.inv(L.T), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(solve_lower(L, np.eye(5)), np.linalg.inv(L), rtol=1e-10, atol=1e-12)
