"""The inner fit against dense linear algebra, and the gradient in t against differences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taut.algorithms.nested import inner as inner_module
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.layout import Factor
from tests.helpers.mixed import (
    Binomial,
    Gaussian,
    NegativeBinomial,
    Ordinal,
    Poisson,
    StudentT,
    prior_covariance,
    problem,
    whole_design,
)

SHAPES = {
    "no factor": (),
    "one": ((6, 1),),
    "slopes": ((7, 2),),
    "three slopes": ((5, 3),),
    "crossed": ((8, 1), (4, 1)),
    "crossed slopes": ((4, 2), (9, 1), (6, 2)),
}
KINDS = [Binomial, Poisson, NegativeBinomial, Gaussian, StudentT, Ordinal]


@pytest.fixture(params=["dense", "sparse"])
def algebra(request, monkeypatch):
    monkeypatch.setattr(inner_module, "WIDEST_DENSE", 100 if request.param == "dense" else 0)


def solved(layout, likelihood, t):
    inner = Inner(layout, likelihood)
    parts = [inner.solve(row[None], inner.start(row[None]), 1e-12) for row in t]
    return inner, type(parts[0]).joined(parts)


def some_t(inner, count=1, seed=1):
    return inner.scales.initial() + 0.3 * np.random.default_rng(seed).normal(size=(count, inner.scales.size))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.usefixtures("algebra")
def test_gaussian_rows_give_the_exact_evidence_and_posterior(shape):
    layout, likelihood = problem(Gaussian, SHAPES[shape])
    inner = Inner(layout, likelihood)
    t = some_t(inner)
    _, state = solved(layout, likelihood, t)
    X, prior = whole_design(layout), prior_covariance(layout, inner.scales, t[0])
    noise = np.exp(2 * t[0, -1]) * np.eye(len(X))
    centre = np.zeros(len(prior))
    centre[:2] = layout.mean
    marginal = X @ prior @ X.T + noise
    mean = layout.offset + X @ centre
    assert inner.elbo(state, t)[0] == pytest.approx(multivariate_normal(mean, marginal).logpdf(likelihood.y), rel=1e-9)
    gain = prior @ X.T @ np.linalg.inv(marginal)
    posterior = centre + gain @ (likelihood.y - mean)
    np.testing.assert_allclose(state.m[0], layout.offset + X @ posterior, rtol=1e-8, atol=1e-8)
    variances = np.diag(X @ (prior - gain @ X @ prior) @ X.T)
    np.testing.assert_allclose(state.v[0], variances, rtol=1e-7)


@pytest.mark.parametrize("kind", [Binomial, Poisson, StudentT])
def test_other_rows_give_the_fixed_point_of_a_dense_natural_gradient(kind):
    layout, likelihood = problem(kind, SHAPES["crossed slopes"], rows=80)
    inner = Inner(layout, likelihood)
    t = some_t(inner)
    _, state = solved(layout, likelihood, t)
    X, prior = whole_design(layout), np.linalg.inv(prior_covariance(layout, inner.scales, t[0]))
    centre = np.zeros(len(prior))
    centre[:2] = layout.mean
    w, P = np.zeros(len(prior)), prior + X.T @ X
    for _ in range(400):
        v = np.einsum("ni,ij,nj->n", X, np.linalg.inv(P), X)
        _, slope, bend = likelihood.expect((layout.offset + X @ w)[None], v[None], t[:, inner.scales.own])
        P = 0.8 * P + 0.2 * (X.T @ (bend[0][:, None] * X) + prior)
        w = w + 0.2 * np.linalg.solve(P, X.T @ slope[0] - prior @ (w - centre))
    np.testing.assert_allclose(state.m[0], layout.offset + X @ w, atol=1e-5)
    np.testing.assert_allclose(state.v[0], v, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_in_t_is_that_of_the_refitted_elbo(kind):
    layout, likelihood = problem(kind, SHAPES["crossed slopes"], rows=80)
    inner = Inner(layout, likelihood)
    t = some_t(inner)
    _, state = solved(layout, likelihood, t)
    gradient = inner.envelope(state, t)[0]
    step = 1e-3
    for k in range(t.shape[1]):
        sides = []
        for sign in (1, -1):
            moved = t + sign * step * np.eye(t.shape[1])[k]
            there = inner.solve(moved, state, 1e-12)
            sides.append(inner.elbo(there, moved)[0] + inner.scales.log_prior(moved)[0])
        assert gradient[k] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-4, rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_cells_is_each_cell_alone(kind):
    layout, likelihood = problem(kind, SHAPES["crossed"])
    inner = Inner(layout, likelihood)
    t = some_t(inner, count=5)
    start = inner.start(t[:1])
    together = inner.solve(t, start.take(np.zeros(5, int)), 1e-10)
    for c in range(5):
        alone = inner.solve(t[c : c + 1], start, 1e-10)
        assert inner.elbo(together, t)[c] == pytest.approx(inner.elbo(alone, t[c : c + 1])[0], abs=1e-8)
        np.testing.assert_allclose(together.m[c], alone.m[0], atol=1e-4)


def test_a_start_is_left_as_it_was():
    layout, likelihood = problem(Poisson)
    inner = Inner(layout, likelihood)
    t = some_t(inner, count=3)
    start = inner.start(t)
    before = start.m.copy()
    inner.solve(t, start)
    np.testing.assert_array_equal(start.m, before)


def test_rows_that_are_not_log_concave_are_solved():
    """Two groups of outliers: curvatures are negative there, and the fixed point keeps them."""
    layout, likelihood = problem(StudentT, SHAPES["one"])
    likelihood.y[::7] += 8.0
    t = np.array([[-0.7, -1.0, 0.5]])
    _, state = solved(layout, likelihood, t)
    assert state.bend.min() < 0
    assert state.left[0] < 1e-6
    np.testing.assert_allclose(state.h, state.bend, atol=1e-3)


def test_a_level_without_a_row_is_refused():
    with pytest.raises(ValueError, match="each must have a row"):
        Factor(np.array([0, 2, 2]), np.ones((3, 1)))
