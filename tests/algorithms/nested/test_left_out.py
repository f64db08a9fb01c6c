"""Rows left out of a fit: exact for Gaussian rows, and against fits without the row."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout
from taut.algorithms.nested.left_out import Without, rows_left_out
from taut.algorithms.nested.levels_left_out import level_by_fit, level_densities
from taut.diagnostics.predictive.left_out import leave_one_out
from tests.helpers.mixed import DATA, Binomial, Gaussian, Poisson, Stated, prior_covariance, problem, whole_design


class Unit(Gaussian):
    """A residual sd of one."""

    parameters = 0

    def expect(self, m, v, phi):
        return super().expect(m, v, np.zeros((len(m), 1)))

    def log_prior(self, phi):
        return np.zeros(len(phi))


def unit(weights=None, factors=((6, 1), (4, 2))):
    layout, likelihood = problem(Gaussian, factors)
    return layout, Unit(y=likelihood.y)


def test_gaussian_rows_at_fixed_scales_in_closed_form():
    layout, likelihood = unit()
    solution = fit(layout, likelihood)
    heaviest = np.array([solution.weights.argmax()])
    solution.weights = np.eye(len(solution.t))[heaviest[0]]
    t = solution.t[heaviest[0]]
    found = _quiet(solution)
    X, prior = whole_design(layout), prior_covariance(layout, solution.scales, t)
    start = np.zeros(len(prior))
    start[:2] = layout.mean
    covariance = X @ prior @ X.T + np.eye(layout.rows)
    away = likelihood.y - layout.offset - X @ start
    inverse = np.linalg.inv(covariance)
    # The conditional of a Gaussian: mean y - (S^-1 a)_i / (S^-1)_ii and variance 1 / (S^-1)_ii.
    exact = stats.norm.logpdf((inverse @ away) / np.diag(inverse), 0, 1 / np.sqrt(np.diag(inverse)))
    np.testing.assert_allclose(found.log_density[layout.order], exact, atol=1e-5)
    assert found.good.all()


def _quiet(solution):
    with np.errstate(divide="ignore"):
        return rows_left_out(solution)


def refit(layout, likelihood, row, exact, draws=4000):
    """log p(y_row given the rest) from draws of a fit without the row; `row` in the order of the layout."""
    from taut.algorithms.nested.parts import Parts

    solution = fit(layout, Without(likelihood, np.array([row])), exact=exact)
    means, variances = solution.nodes.linear(Parts.of(layout))
    nodes, weights = np.polynomial.hermite_e.hermegauss(81)
    m, v = means + layout.offset, variances
    values = []
    for x in nodes:
        eta = m + np.sqrt(v) * x
        values.append(likelihood.expect(eta, np.zeros_like(eta), solution.scales.phi(solution.t))[0][:, row])
    inside = logsumexp(np.array(values) + np.log(weights / weights.sum())[:, None], axis=0)
    return logsumexp(inside + np.log(solution.weights))


@pytest.mark.parametrize("kind", [Gaussian, Poisson, Binomial])
def test_small_problems_against_fits_without_the_row(kind):
    layout, likelihood = problem(kind, rows=40)
    found = rows_left_out(fit(layout, likelihood, exact=False)).log_density[layout.order]
    for row in np.argsort(found)[[0, 1, 20]]:
        assert found[row] == pytest.approx(refit(layout, likelihood, row, False), abs=0.01)


def test_weights_remove_the_whole_row_and_score_it_once():
    """A row of weight two is two rows: both are left out, one is scored."""
    rng = np.random.default_rng(0)
    index, y = np.arange(30) % 5, rng.normal(size=30)
    weights = np.where(np.arange(30) == 7, 2.0, 1.0)

    class Weighted(Unit):
        def expect(self, m, v, phi):
            value, slope, bend = super().expect(m, v, phi)
            return self.weights * value, self.weights * slope, self.weights * bend

    layout = Layout(np.ones((30, 1)), [Factor(index, np.ones((30, 1)))])
    order = layout.order
    solution = fit(layout, Weighted(y=y[order], weights=weights[order]))
    found = rows_left_out(solution, Unit(y=y[order]), weights).log_density[7]
    gone = int(np.flatnonzero(order == 7)[0])
    expected = refit(layout, Unit(y=y[order]), gone, False)
    assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/mixed")
@pytest.mark.parametrize(("name", "count"), [("cbpp", 56), ("epil", 30)])
def test_within_a_hundredth_of_a_nat_of_refits(name, count):
    model = Stated(name)
    solution = fit(model.layout, model.likelihood, exact=False)
    found = rows_left_out(solution)
    log_density = found.log_density[model.layout.order]
    n = len(log_density)
    worst = np.argsort(log_density)[:10]
    others = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(n), worst))
    rows = np.arange(n) if count >= n else np.concatenate([worst, others[: count - 10]])
    away = [log_density[i] - refit(model.layout, model.likelihood, i, False) for i in rows]
    assert np.abs(away).max() < 0.01
    assert found.good.all()


def test_gaussian_levels_in_closed_form():
    """At draws the density of a level is that of a multivariate normal."""
    layout, likelihood = unit(factors=((6, 2),))
    solution = fit(layout, likelihood)
    draws = solution.sample(20, np.random.default_rng(0))
    found = level_densities(solution, draws)
    for s in range(3):
        root = solution.scales.root(draws.t[[s]], 0)[0]
        for g in range(6):
            rows = np.flatnonzero(layout.index == g)
            z = layout.columns[:, rows].T
            mean = layout.offset[rows] + layout.fixed[:, rows].T @ draws.w[s, :2]
            exact = stats.multivariate_normal.logpdf(
                likelihood.y[rows], mean, np.eye(len(rows)) + z @ root @ root.T @ z.T
            )
            assert found[s, g] == pytest.approx(exact, abs=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/mixed")
@pytest.mark.parametrize("name", ["cbpp", "epil"])
def test_levels_against_fits_without_them(name):
    model = Stated(name)
    solution = fit(model.layout, model.likelihood)
    found = leave_one_out(level_densities(solution, solution.sample(2000, np.random.default_rng(0))))
    levels = np.argsort(found.elpd)[:6]
    good = [g for g in levels if found.good[g]]
    assert len(good) >= 3
    for g in good:
        assert found.elpd[g] == pytest.approx(level_by_fit(solution, int(g), 2000), abs=0.1)
