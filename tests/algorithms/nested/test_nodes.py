"""The mixture against dense formulas."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taut.algorithms.nested import inner as inner_module
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.parts import Parts
from tests.helpers.mixed import Binomial, Gaussian, Poisson, prior_covariance, problem, whole_design

SHAPES = {"none": (), "one": ((5, 1),), "crossed": ((4, 1), (6, 1)), "crossed slopes": ((4, 1), (6, 2))}
WIDEST_DENSE = {"dense": 100, "sparse": 0}


def dense_nodes(solution):
    """Mean and covariance of each node by dense algebra from its curvatures."""
    X = whole_design(solution.layout)
    for c, t in enumerate(solution.t):
        state = solution.nodes.cells.state
        precision = np.linalg.inv(prior_covariance(solution.layout, solution.scales, t)) + (X.T * state.h[c]) @ X
        groups = state.groups[c].ravel() if solution.layout.last is not None else []
        yield np.concatenate([state.border[c], groups]), np.linalg.inv(precision)


@pytest.mark.parametrize(
    ("algebra", "shape"),
    [*(("dense", shape) for shape in SHAPES), ("sparse", "none"), ("sparse", "one"), ("sparse", "crossed")],
)
def test_moments_and_densities(algebra, shape, monkeypatch):
    monkeypatch.setattr(inner_module, "WIDEST_DENSE", WIDEST_DENSE[algebra])
    layout, likelihood = problem(Gaussian, SHAPES[shape])
    solution = fit(layout, likelihood)
    assert solution.weights.sum() == pytest.approx(1)
    nodes = list(dense_nodes(solution))
    mean = sum(w * m for w, (m, _) in zip(solution.weights, nodes, strict=True))
    second = sum(w * (V + np.outer(m, m)) for w, (m, V) in zip(solution.weights, nodes, strict=True))
    covariance = second - np.outer(mean, mean)
    np.testing.assert_allclose(solution.unknowns()[0], mean, atol=1e-9)
    np.testing.assert_allclose(solution.unknowns()[1], np.sqrt(np.diag(covariance)), rtol=1e-7)
    X = whole_design(layout)
    rows = solution.linear(Parts.of(layout))
    np.testing.assert_allclose(rows[0], X @ mean, atol=1e-9)
    np.testing.assert_allclose(rows[1], np.sqrt(np.diag(X @ covariance @ X.T)), rtol=1e-7)
    draws = solution.sample(20, np.random.default_rng(0))
    expected = [
        np.log(solution.weights[c]) - solution.log_volumes[c] + multivariate_normal(*nodes[c]).logpdf(w)
        for c, w in zip(draws.node, draws.w, strict=True)
    ]
    np.testing.assert_allclose(solution.log_prob(draws), expected, rtol=1e-7)


@pytest.mark.parametrize(("algebra", "shape"), [("dense", "crossed slopes"), ("sparse", "crossed")])
def test_draws_have_the_moments_of_the_mixture(algebra, shape, monkeypatch):
    monkeypatch.setattr(inner_module, "WIDEST_DENSE", WIDEST_DENSE[algebra])
    layout, likelihood = problem(Poisson, SHAPES[shape])
    solution = fit(layout, likelihood)
    draws = solution.sample(20000, np.random.default_rng(0))
    mean, sd = solution.unknowns()
    np.testing.assert_allclose((draws.w.mean(0) - mean) / sd, 0, atol=0.035)
    np.testing.assert_allclose(draws.w.std(0) / sd, 1, atol=0.03)
    sds, _ = solution.of_scales(solution.scales.sds(solution.t, 1))
    assert np.exp(draws.t[:, 1]).mean() == pytest.approx(sds[0], rel=0.01)


def test_log_prior_of_draws():
    layout, likelihood = problem(Binomial, SHAPES["crossed slopes"])
    solution = fit(layout, likelihood)
    draws = solution.sample(10, np.random.default_rng(0))
    for i in range(10):
        centre = np.zeros(draws.w.shape[1])
        centre[:2] = layout.mean
        expected = multivariate_normal(centre, prior_covariance(layout, solution.scales, draws.t[i])).logpdf(draws.w[i])
        expected += solution.scales.log_prior(draws.t[i : i + 1])[0]
        assert solution.log_prior(draws)[i] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", ["one", "crossed", "crossed slopes"])  # the last has scattered nodes
def test_weights_of_gaussian_rows_are_equal(shape):
    """q(w given t) is exact there, so that the joint importance weights of (t, w) are equal."""
    layout, likelihood = problem(Gaussian, SHAPES[shape])
    solution = fit(layout, likelihood)
    draws = solution.sample(50, np.random.default_rng(0))
    eta = layout.offset + draws.w @ whole_design(layout).T
    rows = likelihood.expect(eta, np.zeros_like(eta), solution.scales.phi(draws.t))[0].sum(1)
    weights = rows + solution.log_prior(draws) - solution.log_prob(draws)
    np.testing.assert_allclose(weights, solution.log_evidence, atol=1e-8)


def test_a_level_that_was_not_seen_adds_nothing():
    layout, likelihood = problem(Poisson, SHAPES["crossed slopes"])
    solution = fit(layout, likelihood)
    fixed, columns = np.array([[1.0, 0.5]]), [np.ones((1, 1)), np.array([[1.0, 2.0]])]
    unseen = Parts.new(layout, fixed, [np.array([-1]), np.array([-1])], columns)
    zero = Parts.new(layout, fixed, [np.array([0]), np.array([0])], [0 * z for z in columns])
    np.testing.assert_allclose(solution.linear(unseen), solution.linear(zero))
