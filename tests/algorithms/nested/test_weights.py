"""Log weights and checks of levels against exact answers and brute force."""

import numpy as np
import pytest
from scipy.special import logsumexp

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from taut.algorithms.nested.rows import CompiledRows
from taut.algorithms.nested.weights import evidence, integrated
from taut.models.likelihoods.bernoulli import Bernoulli
from taut.models.likelihoods.negative_binomial import NegativeBinomial as Counts
from tests.helpers.mixed import Binomial, Gaussian, Poisson, problem

SHAPES = {"none": (), "one": ((6, 1),), "slopes": ((9, 2),), "crossed": ((9, 1), (4, 1))}


def found(layout, likelihood, count=40, **options):
    solution = fit(layout, likelihood, **options)
    draws = solution.sample(count, np.random.default_rng(0))
    return solution, draws, evidence(solution, draws)


@pytest.mark.parametrize("shape", SHAPES)
def test_of_gaussian_rows_all_weights_are_the_evidence(shape):
    layout, likelihood = problem(Gaussian, SHAPES[shape])
    solution, _, ours = found(layout, likelihood)
    np.testing.assert_allclose(ours.joint, solution.log_evidence, atol=1e-7)
    np.testing.assert_allclose(ours.marginal, solution.log_evidence, atol=1e-7)
    if ours.factor is not None:
        np.testing.assert_allclose(ours.shift, 0, atol=1e-6)
        np.testing.assert_allclose(ours.ratio, 1, atol=1e-6)


def few_binary(levels=3, seed=1):
    rng = np.random.default_rng(seed)
    index = np.arange(4 * levels) % levels
    y = rng.random(len(index)) < np.array([0.1, 0.9, 0.5])[index]
    layout = Layout(np.ones((len(index), 1)), [Factor(index, np.ones((len(index), 1)))])
    return layout, Binomial(y=y[layout.order], trials=np.ones(len(index)))


@pytest.mark.parametrize("exact", [False, True])
def test_levels_against_a_fine_grid(exact):
    layout, likelihood = few_binary()
    solution, draws, _ = found(layout, likelihood, exact=exact)
    parts = integrated(solution, draws)
    grid = np.linspace(-25, 25, 20001)
    for i in range(0, len(draws.w), 7):
        sd = np.exp(draws.t[i, 0])
        for g in range(3):
            here = layout.index == g
            eta = draws.w[i, 0] + grid[:, None]
            log_p = (likelihood.y[here] * eta - np.logaddexp(0, eta)).sum(1)
            log_p += -0.5 * (grid / sd) ** 2 - np.log(sd * np.sqrt(2 * np.pi)) + np.log(grid[1] - grid[0])
            total = logsumexp(log_p)
            share = np.exp(log_p - total)
            mean = share @ grid
            assert parts.log_integral[i, g] == pytest.approx(total, abs=1e-4)
            assert parts.mean[i, 0, g] == pytest.approx(mean, abs=1e-3)
            assert parts.covariance[i, 0, 0, g] == pytest.approx(share @ (grid - mean) ** 2, rel=5e-3)


def test_a_level_that_is_off_is_found():
    """The second level's q is moved by one of its sds, and the third's made half as wide."""
    layout, likelihood = problem(Gaussian, SHAPES["one"])
    solution = fit(layout, likelihood)
    state = solution.nodes.cells.state
    state.groups[:, 0, 1] += np.sqrt(state.spread[:, 0, 0, 1])
    state.spread[:, 0, 0, 2] /= 4
    ours = evidence(solution, solution.sample(40, np.random.default_rng(0)))
    np.testing.assert_allclose(ours.shift[0], [0, 1, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(ours.ratio[0], [1, 1, 2, 1, 1, 1], rtol=1e-6)


def test_marginal_weights_of_many_small_levels_live_where_joint_ones_die():
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(150), 4)
    y = rng.random(len(index)) < 1 / (1 + np.exp(-2 * rng.normal(size=150)[index]))
    layout = Layout(np.ones((len(index), 1)), [Factor(index, np.ones((len(index), 1)))])
    _, _, ours = found(layout, Binomial(y=y[layout.order], trials=np.ones(len(index))), 400, exact=True)
    assert ours.marginal.std() < 0.5 * ours.joint.std()
    assert ours.marginal.std() < 0.5


def test_the_average_weight_is_the_evidence():
    """By both kinds of weights; the second also where t has only its nodes."""
    layout, likelihood = problem(Poisson, SHAPES["slopes"])
    solution, _, ours = found(layout, likelihood, 2000)
    for weights in (ours.joint, ours.marginal):
        assert logsumexp(weights) - np.log(2000) == pytest.approx(solution.log_evidence, abs=0.1)


def test_three_effects_a_level_have_no_marginal_weights():
    _, _, ours = found(*problem(Poisson, ((8, 3),)))
    assert ours.marginal is None
    assert np.isfinite(ours.joint).all()


@pytest.mark.parametrize("kind", [Bernoulli, Counts])
def test_compiled_densities_are_expectations_without_variance(kind):
    rng = np.random.default_rng(0)
    rows = CompiledRows(kind(), (rng.random(30) < 0.5).astype(float), rng.random(30))
    eta, phi = rng.normal(size=(700, 30)), rng.normal(size=(700, rows.parameters))
    np.testing.assert_allclose(rows.log_prob(eta, phi), rows.expect(eta, 0 * eta, phi)[0], atol=1e-6)
