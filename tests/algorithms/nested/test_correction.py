"""The corrected weights against importance weights of many draws."""

import numpy as np
import pytest

from taut.algorithms.nested import fit as fit_module
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from tests.helpers.mixed import Binomial, Gaussian, Poisson, problem, whole_design


def nested_counts(seed, outer=40, inner=3, rows=2):
    """Counts of a factor within another, both with few rows."""
    rng = np.random.default_rng(seed)
    n = outer * inner * rows
    low, high = np.arange(n) // rows, np.arange(n) // (rows * inner)
    eta = 0.3 + 0.9 * rng.normal(size=outer * inner)[low] + 0.6 * rng.normal(size=outer)[high]
    ones = np.ones((n, 1))
    layout = Layout(ones, [Factor(low, ones), Factor(high, ones)])
    return layout, Poisson(y=rng.poisson(np.exp(eta))[layout.order])


def weighted(solution, likelihood, count=20000):
    """Mean and sd of t under joint importance weights, and their effective number."""
    draws = solution.sample(count, np.random.default_rng(1))
    X, layout = whole_design(solution.layout), solution.layout
    eta = layout.offset + draws.w @ X.T
    rows = likelihood.expect(eta, np.zeros_like(eta), solution.scales.phi(draws.t))[0].sum(1)
    log_weights = rows + solution.log_prior(draws) - solution.log_prob(draws)
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    mean = weights @ draws.t
    return mean, np.sqrt(weights @ draws.t**2 - mean**2), 1 / (weights**2).sum()


@pytest.mark.parametrize("seed", range(3))
def test_two_factors_with_few_rows(seed, monkeypatch):
    layout, likelihood = nested_counts(seed)
    solution = fit(layout, likelihood)
    assert solution.corrected
    assert 0.03 < solution.gap < 1
    monkeypatch.setattr(fit_module, "corrected", lambda solution, inner: solution)
    plain = fit(layout, likelihood)
    mean, sd, worth = weighted(plain, likelihood)
    assert worth > 5000
    before, after = (np.abs(x.of_scales(x.t)[0] - mean) / sd for x in (plain, solution))
    assert after.max() < 0.06
    assert after.max() < before.max()
    assert solution.weights.sum() == pytest.approx(1)


def test_what_is_exact_is_left_as_it_is():
    solution = fit(*problem(Gaussian, ((8, 1), (5, 1))))
    assert solution.gap == pytest.approx(0, abs=1e-9)
    assert not solution.corrected


def test_a_large_gap_is_told_and_not_corrected():
    """Three slopes a level, four binary rows each: no free distribution, and a Gaussian is poor."""
    rng = np.random.default_rng(0)
    groups, rows = 150, 4
    columns = np.column_stack([np.ones(groups * rows), rng.normal(size=(groups * rows, 2))])
    index = np.repeat(np.arange(groups), rows)
    eta = (3 * rng.normal(size=(groups, 3))[index] * columns).sum(1)
    layout = Layout(columns, [Factor(index, columns)])
    y = (rng.random(len(eta)) < 1 / (1 + np.exp(-eta)))[layout.order]
    solution = fit(layout, Binomial(y=y, trials=np.ones(len(y))))
    assert solution.gaussian_error is None
    assert solution.gap > 1
    assert not solution.corrected
