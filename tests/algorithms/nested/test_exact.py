"""Effects of a free distribution against integrals by brute force."""

import numpy as np
import pytest
from scipy.special import logsumexp

from taut.algorithms.nested.exact import FreeEffects
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.layout import Factor, Layout
from tests.helpers.mixed import Binomial, Gaussian, NegativeBinomial, Poisson, problem, whole_design

SHAPES = {
    "one": ((6, 1),),
    "crossed": ((9, 1), (4, 1)),
    "with slopes": ((12, 1), (4, 2)),
    "two": ((9, 2),),
    "two and one": ((8, 2), (5, 1)),
}


def both(layout, likelihood, t):
    gaussian, free = Inner(layout, likelihood), Inner(layout, likelihood, FreeEffects(layout.eliminated.width))
    state = gaussian.solve(t, gaussian.start(t), 1e-11)
    return gaussian, state, free, free.solve(t, free.adopted(state, t), 1e-11)


def binary(groups=30, sd=3.0, seed=0):
    """Two to five binary rows a group, an intercept only."""
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(groups), rng.integers(2, 6, groups))
    effect = sd * rng.normal(size=groups)
    layout = Layout(np.ones((len(index), 1)), [Factor(index, np.ones((len(index), 1)))])
    y = rng.random(len(index)) < 1 / (1 + np.exp(-effect[index]))
    return layout, Binomial(y=y, trials=np.ones(len(index)))


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_rows_give_the_gaussian_answer(shape):
    layout, likelihood = problem(Gaussian, SHAPES[shape])
    t = Inner(layout, likelihood).scales.initial()[None]
    gaussian, one, free, other = both(layout, likelihood, t)
    assert free.elbo(other, t)[0] == pytest.approx(gaussian.elbo(one, t)[0], abs=1e-8)
    np.testing.assert_allclose(other.border, one.border, atol=1e-7)
    np.testing.assert_allclose(other.groups, one.groups, atol=1e-7)
    np.testing.assert_allclose(other.spread, one.spread, rtol=1e-6)


@pytest.mark.parametrize("kind", [Binomial, Poisson, NegativeBinomial])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_elbo_rises_and_its_gradient_is_right(kind, shape):
    layout, likelihood = problem(kind, SHAPES[shape])
    t = Inner(layout, likelihood).scales.initial()[None] + 0.5
    gaussian, one, free, other = both(layout, likelihood, t)
    assert free.elbo(other, t)[0] > gaussian.elbo(one, t)[0]
    gradient, step = free.envelope(other, t)[0], 1e-3
    for k in range(t.shape[1]):
        moved = [t + sign * step * np.eye(t.shape[1])[k] for sign in (1, -1)]
        sides = [free.elbo(free.solve(x, other, 1e-12), x)[0] + free.scales.log_prior(x)[0] for x in moved]
        assert gradient[k] == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=2e-4, rel=1e-4)


def brute_force(layout, likelihood, tau):
    """log evidence, and mean and sd of intercept and effects, from a grid of the intercept and one of each effect."""
    grid = np.linspace(-8, 8, 161)
    effects = np.linspace(-6 * tau, 6 * tau, 401)
    log_u = -0.5 * (effects / tau) ** 2 - np.log(tau * np.sqrt(2 * np.pi)) + np.log(effects[1] - effects[0])
    log_b = -0.5 * (grid / 2.5) ** 2 - np.log(2.5 * np.sqrt(2 * np.pi)) + np.log(grid[1] - grid[0])
    eta = grid[:, None] + effects
    log_p, log_q = -np.logaddexp(0, -eta), -np.logaddexp(0, eta)
    ones, size = layout.sums(likelihood.y), layout.sums(np.ones(layout.rows))
    each = [o * log_p + (s - o) * log_q + log_u for o, s in zip(ones, size, strict=True)]
    totals = [logsumexp(x, axis=1) for x in each]
    joint = log_b + sum(totals)
    evidence = logsumexp(joint)
    weight = np.exp(joint - evidence)

    def moments(first, second):
        mean = weight @ first
        return mean, np.sqrt(weight @ second - mean**2)

    shares = [np.exp(x - z[:, None]) for x, z in zip(each, totals, strict=True)]
    return evidence, moments(grid, grid**2), [moments(s @ effects, s @ effects**2) for s in shares]


@pytest.mark.parametrize("tau", [1.0, 3.0])
def test_binary_rows_against_brute_force(tau):
    layout, likelihood = binary(groups=12)
    t = np.array([[np.log(tau)]])
    gaussian, one, free, other = both(layout, likelihood, t)
    evidence, intercept, effects = brute_force(layout, likelihood, tau)
    gaps = evidence - gaussian.elbo(one, t)[0], evidence - free.elbo(other, t)[0]
    assert 0 <= gaps[1] < min(0.4 * gaps[0], 0.05)
    precision = free.precision(other, t)
    assert abs(other.border[0, 0] - intercept[0]) < 0.03 * intercept[1]
    assert np.sqrt(precision.border_variances()[0, 0]) == pytest.approx(intercept[1], rel=0.04)
    ours = np.sqrt(precision.group_covariances()[0, 0, 0])
    for g, (mean, sd) in enumerate(effects):
        assert abs(other.groups[0, 0, g] - mean) < 0.05 * sd
        assert ours[g] == pytest.approx(sd, rel=0.04)


def test_draws_and_densities_belong_together():
    layout, likelihood = binary()
    solution = fit(layout, likelihood, exact=True)
    draws = solution.sample(20000, np.random.default_rng(0))
    mean, sd = solution.unknowns()
    np.testing.assert_allclose((draws.w.mean(0) - mean) / sd, 0, atol=0.035)
    np.testing.assert_allclose(draws.w.std(0) / sd, 1, atol=0.03)
    # The joint importance weights average to the evidence of the nodes, and are nearly equal.
    some = type(draws)(draws.node[:2000], draws.t[:2000], draws.w[:2000])
    eta = layout.offset + some.w @ whole_design(layout).T
    rows = (likelihood.y * eta - np.logaddexp(0, eta)).sum(1)
    weights = rows + solution.log_prior(some) - solution.log_prob(some)
    assert np.std(weights) < 0.35
    assert abs(weights.mean() - solution.log_evidence) < 0.05


def test_the_figure_foretells_what_a_gaussian_gets_wrong():
    for sd, seed in ((0.5, 0), (2.0, 1), (4.0, 2)):
        layout, likelihood = binary(groups=150, sd=sd, seed=seed)
        answers = [fit(layout, likelihood, exact=exact) for exact in (True, False)]
        (mean, spread), (other, _) = (x.of_scales(x.t[:, 0]) for x in answers)
        error = abs(mean - other)[()] / spread
        assert answers[0].gaussian_error == pytest.approx(error, rel=0.5, abs=0.02)


def test_who_is_integrated_exactly():
    assert fit(*binary(groups=150)).exact == 0
    assert fit(*binary(groups=150, sd=0.3)).exact is None
    assert fit(*problem(Gaussian)).gaussian_error < 1e-3
    layout, likelihood = problem(Binomial, ((6, 3),))
    assert fit(layout, likelihood).gaussian_error is None
    with pytest.raises(ValueError, match="one or two effects"):
        fit(layout, likelihood, exact=True)
