"""Simulation-based calibration: parameters drawn from the prior have uniform ranks among the draws of their answers."""

import numpy as np
import pytest
from scipy.stats import kstest

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from tests.helpers.mixed import Binomial, Gaussian, Poisson

GROUPS, ROWS, DRAWS = 40, 160, 499


def binary(rng, eta, order):
    return Binomial(y=(rng.random(ROWS) < 1 / (1 + np.exp(-eta)))[order], trials=np.ones(ROWS)), []


def counts(rng, eta, order):
    return Poisson(y=rng.poisson(np.exp(eta))[order]), []


def amounts(rng, eta, order):
    sigma = abs(rng.normal())
    return Gaussian(y=(eta + sigma * rng.normal(size=ROWS))[order]), [sigma]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [binary, counts, amounts])
def test_ranks_are_uniform(kind):
    rng, ranks = np.random.default_rng(2), []
    for _ in range(200):
        X = np.column_stack([np.ones(ROWS), rng.normal(size=ROWS)])
        factor = Factor(np.append(np.arange(GROUPS), rng.integers(GROUPS, size=ROWS - GROUPS)), np.ones((ROWS, 1)))
        beta, sd = np.array([1.5, 1.0]) * rng.normal(size=2), abs(rng.normal())
        effects = sd * rng.normal(size=GROUPS)
        layout = Layout(X, [factor], sd=np.array([1.5, 1.0]))
        likelihood, own = kind(rng, X @ beta + effects[factor.index], layout.order)
        solution = fit(layout, likelihood)
        w, scales = solution.sample(DRAWS, rng).w, np.exp(solution.sample_scales(DRAWS, rng))
        drawn = np.hstack([w[:, :2], w[:, layout.effects(0)][:, :2], scales])
        ranks.append((drawn < [*beta, *effects[:2], sd, *own]).mean(0))
    assert min(kstest(each, "uniform").pvalue for each in np.array(ranks).T) > 1e-3
