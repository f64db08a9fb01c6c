"""The corrected weights against importance weights of many draws."""

import numpy as np
import pytest

from taut.algorithms.nested import fit as fit_module
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from tests.helpers.mixed import Gaussian, Poisson, problem, whole_design


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
    assert solution.gap > 0
    monkeypatch.setattr(fit_module, "corrected", lambda solution, inner: solution)
    plain = fit(layout, likelihood)
    mean, sd, worth = weighted(plain, likelihood)
    assert worth > 5000
    before, after = (np.abs(x.of_scales(x.t)[0] - mean) / sd for x in (plain, solution))
    assert after.max() < 0.06
    assert after.max() < before.max()
    assert solution.weights.sum() == pytest.approx(1)


def test_what_is_exact_is_left_as_it_is():
    assert fit(*problem(Gaussian, ((8, 1), (5, 2)))).gap == 0
