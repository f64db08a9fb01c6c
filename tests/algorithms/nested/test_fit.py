"""Data that are easy to get wrong: the answer is finite, and near what it must be."""

import numpy as np
import pytest

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from tests.helpers.mixed import Binomial, Gaussian, Poisson, StudentT

RNG = np.random.default_rng(1)
N = 240
X = np.column_stack([np.ones(N), RNG.normal(size=N)])
GROUP = Factor(np.arange(N) % 24, np.ones((N, 1)))
EACH = Factor(np.arange(N), np.ones((N, 1)))
ONES = np.ones(N)


def whole(solution):
    draws = solution.sample(20, np.random.default_rng(0))
    parts = [*solution.unknowns(), solution.log_prob(draws), solution.log_prior(draws)]
    parts.append(solution.sample_scales(20, np.random.default_rng(0)))
    return all(np.isfinite(part).all() for part in parts) and np.isfinite(solution.log_evidence)


CASES = {
    "no scales": ((), lambda rows: Poisson(y=RNG.poisson(2, N))),
    "separated": ((), lambda rows: Binomial(y=(X[rows, 1] > 0), trials=ONES)),
    "only successes": ((GROUP,), lambda rows: Binomial(y=ONES, trials=ONES)),
    "only zeros": ((GROUP,), lambda rows: Poisson(y=0 * ONES)),
    "large counts": ((GROUP,), lambda rows: Poisson(y=RNG.poisson(np.exp(9 + X[rows, 1])))),
    "outliers": ((GROUP,), lambda rows: StudentT(y=np.where(RNG.random(N) < 0.05, 30, 0) + RNG.normal(size=N))),
    "one row a level": ((EACH,), lambda rows: Poisson(y=RNG.poisson(np.exp(1 + RNG.normal(size=N))))),
    "binary, one row a level": ((EACH,), lambda rows: Binomial(y=RNG.random(N) < 0.4, trials=ONES)),
    "two levels": ((Factor(np.arange(N) % 2, np.ones((N, 1))),), lambda rows: Poisson(y=RNG.poisson(2, N))),
    "the same factor twice": ((GROUP, GROUP), lambda rows: Poisson(y=RNG.poisson(2, N))),
    "almost no noise": ((GROUP,), lambda rows: Gaussian(y=X[rows, 1] + 1e-3 * RNG.normal(size=N))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_finite(case):
    factors, rows = CASES[case]
    layout = Layout(X, factors)
    solution = fit(layout, rows(layout.order))
    assert whole(solution)
    assert solution.weights.sum() == pytest.approx(1)


def test_a_column_in_other_units_changes_only_its_coefficient():
    y = RNG.random(N) < 0.5
    one, other = Layout(X, [GROUP], sd=[2.5, 2.5]), Layout(X * [1, 1e4], [GROUP], sd=[2.5, 2.5e-4])
    a, b = (fit(layout, Binomial(y=y[layout.order], trials=ONES)) for layout in (one, other))
    np.testing.assert_allclose(a.unknowns()[0][2:], b.unknowns()[0][2:], atol=1e-3)
    assert b.unknowns()[0][1] * 1e4 == pytest.approx(a.unknowns()[0][1], abs=1e-3)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-3)


def test_the_order_of_factors_is_only_a_matter_of_naming():
    small, large = GROUP, Factor(RNG.permutation(np.arange(N) % 40), np.ones((N, 1)))
    y = RNG.poisson(2, N)
    answers = []
    for factors in ((small, large), (large, small)):
        layout = Layout(X, factors)
        solution = fit(layout, Poisson(y=y[layout.order]))
        mean = solution.unknowns()[0]
        answers.append([mean[layout.effects(factors.index(f))] for f in (small, large)])
        answers[-1].append(solution.log_evidence)
    for a, b in zip(*answers, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)
