"""The mode and the lattice against integrals over a fine grid."""

import numpy as np
import pytest

from taut.algorithms.nested import fit as fit_module
from taut.algorithms.nested import lattice as lattice_module
from taut.algorithms.nested import scattered
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.outer import find_mode
from tests.helpers.mixed import Binomial, Gaussian, NegativeBinomial, Poisson, problem


@pytest.mark.parametrize("kind", [Binomial, Poisson, Gaussian, NegativeBinomial])
def test_the_gradient_at_the_mode_is_small(kind):
    layout, likelihood = problem(kind, ((6, 1),))
    inner = Inner(layout, likelihood)
    mode = find_mode(inner, inner.scales.initial())
    assert np.abs(mode.cell.gradient @ mode.axes).max() < 0.3


@pytest.mark.parametrize("seed", range(3))
def test_one_scale_and_its_long_tail(seed):
    """Few groups: the sd is hardly bounded from below. Mean, sd and evidence are those of a fine grid."""
    layout, likelihood = problem(Poisson, ((4, 1),), seed=seed)
    solution = fit(layout, likelihood)
    inner = Inner(layout, likelihood)
    t = np.linspace(-9, 3, 400)[:, None]
    start = solution.nodes.cells.state.take(np.full(400, solution.weights.argmax()))
    state = inner.solve(t, start)
    log_density = inner.elbo(state, t) + inner.scales.log_prior(t)
    weights = np.exp(log_density - log_density.max())
    assert solution.log_evidence == pytest.approx(np.log(weights.sum() * 12 / 399) + log_density.max(), abs=0.01)
    weights /= weights.sum()
    mean = weights @ np.exp(t[:, 0])
    sd = np.sqrt(weights @ np.exp(2 * t[:, 0]) - mean**2)
    ours = solution.of_scales(np.exp(solution.t[:, 0]))
    assert abs(ours[0] - mean) < 0.02 * sd
    assert ours[1] == pytest.approx(sd, rel=0.03)
    draws = np.exp(solution.sample_scales(20000, np.random.default_rng(0))[:, 0])
    for p in (0.025, 0.5, 0.975):
        assert abs(np.quantile(draws, p) - np.interp(p, np.cumsum(weights) - weights / 2, np.exp(t[:, 0]))) < 0.08 * sd


def test_a_sd_near_zero_is_told_from_one_that_is_not():
    layout, likelihood = problem(Poisson, ((6, 1),))
    assert fit(layout, likelihood).near_zero(0)[0] > 0.02
    likelihood.y = np.round(2 * np.exp(np.array([-1.5, 1.5, -0.8, 0.8, 0.5, -0.5])[layout.index]))
    assert fit(layout, likelihood).near_zero(0)[0] < 1e-3


@pytest.mark.parametrize("factors", [((8, 2),), ((6, 1), (5, 1))])
def test_a_finer_lattice_changes_little(factors, monkeypatch):
    layout, likelihood = problem(Gaussian, factors, rows=120)
    coarse = fit(layout, likelihood)
    monkeypatch.setattr(lattice_module, "edge", lambda K: 1.0 if K < 3 else np.sqrt(2) * 1.1)
    monkeypatch.setattr(lattice_module, "depth", lambda K: 11.0)
    monkeypatch.setattr(lattice_module, "MOST_CELLS", 5000)
    fine = fit(layout, likelihood)
    assert len(fine.t) > 1.5 * len(coarse.t)
    for k in range(len(factors)):
        a, b = (x.of_scales(x.scales.sds(x.t, k)) for x in (coarse, fine))
        np.testing.assert_allclose((a[0] - b[0]) / b[1], 0, atol=0.05)
        np.testing.assert_allclose(a[1] / b[1], 1, atol=0.06)


def test_scattered_nodes_agree_with_the_lattice(monkeypatch):
    layout, likelihood = problem(Gaussian, ((12, 2), (9, 1)), rows=150)
    flooded = fit(layout, likelihood)
    monkeypatch.setattr(fit_module, "MOST_DIMENSIONS", 0)
    points = fit(layout, likelihood)
    assert points.effective_nodes > 100
    assert points.log_evidence == pytest.approx(flooded.log_evidence, abs=0.1)
    for k in range(2):
        a, b = (x.of_scales(x.scales.sds(x.t, k)) for x in (flooded, points))
        np.testing.assert_allclose((a[0] - b[0]) / b[1], 0, atol=0.1)
        np.testing.assert_allclose(a[1] / b[1], 1, atol=0.1)


def test_six_dimensions_of_t():
    """Three effects a level: the sds' exact posterior is not known, but that of rows simulated from them is near."""
    rng = np.random.default_rng(0)
    layout, likelihood = problem(Gaussian, ((80, 3),), rows=1000)
    effects = rng.normal(size=(80, 3)) @ np.diag([1.0, 0.6, 0.3])
    likelihood.y = (effects[layout.index].T * layout.columns).sum(0) + 0.5 * rng.normal(size=1000)
    solution = fit(layout, likelihood)
    assert solution.t.shape[1] == 7
    assert solution.effective_nodes > 100
    mean, sd = solution.of_scales(solution.scales.sds(solution.t, 0))
    np.testing.assert_array_less(np.abs(mean - effects.std(0)) / sd, 2)


def test_a_lattice_of_too_many_cells_gives_way(monkeypatch):
    layout, likelihood = problem(Gaussian, ((12, 2), (9, 1)), rows=150)
    monkeypatch.setattr(lattice_module, "MOST_CELLS", 50)
    assert len(fit(layout, likelihood).t) == 2**scattered.POINTS


@pytest.mark.parametrize(("factors", "kind"), [(((8, 2),), Gaussian), (((6, 1), (5, 1)), Poisson)])
def test_draws_have_the_moments_of_the_nodes(factors, kind):
    """An even resample of tilted points: its error is far below that of independent draws, 1 / sqrt(20000) = 0.007."""
    layout, likelihood = problem(kind, factors, rows=120)
    solution = fit(layout, likelihood)
    at_nodes, draws = (
        solution.scales.natural(t) for t in (solution.t, solution.sample_scales(20000, np.random.default_rng(0)))
    )
    mean, sd = solution.of_scales(at_nodes)
    np.testing.assert_allclose((draws.mean(0) - mean) / sd, 0, atol=0.02)
    np.testing.assert_allclose(draws.std(0) / sd, 1, atol=0.02)
