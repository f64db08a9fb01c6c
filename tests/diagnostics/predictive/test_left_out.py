"""Leave-one-out from draws against closed forms, and comparison of fits."""

import numpy as np
import pytest
from scipy import stats

from taut.diagnostics.predictive.compare import compare
from taut.diagnostics.predictive.left_out import leave_one_out, with_fallback
from taut.errors import ArgumentError


def conjugate(n=30, draws=20000, seed=0):
    """Draws' log-likelihoods of y ~ N(mu, 1), mu ~ N(0, 2), and the exact densities of rows left out."""
    rng = np.random.default_rng(seed)
    y = rng.normal(1.0, 1.0, n)

    def posterior(values):
        precision = 1 / 4 + len(values)
        return values.sum() / precision, 1 / precision

    mean, variance = posterior(y)
    mu = rng.normal(mean, np.sqrt(variance), draws)
    exact = []
    for i in range(n):
        m, v = posterior(np.delete(y, i))
        exact.append(stats.norm.logpdf(y[i], m, np.sqrt(1 + v)))
    whole = stats.norm.logpdf(y, mean, np.sqrt(1 + variance))
    return stats.norm.logpdf(y, mu[:, None], 1.0), np.array(exact), whole


def test_gaussian_rows_in_closed_form():
    log_likelihood, exact, whole = conjugate()
    found = leave_one_out(log_likelihood)
    np.testing.assert_allclose(found.elpd, exact, atol=0.02)
    np.testing.assert_allclose(found.p_eff, whole - exact, atol=0.02)
    assert found.good.all()
    assert found.p_eff.sum() == pytest.approx((whole - exact).sum(), abs=0.1)
    assert found.total == pytest.approx(found.elpd.sum())
    assert "cannot be relied on" not in found.sentence


def test_weighted_draws_count_by_their_weights():
    log_likelihood, exact, _ = conjugate()
    rng = np.random.default_rng(1)
    kept = rng.random(len(log_likelihood)) < 0.5
    doubled = np.concatenate([log_likelihood, log_likelihood[kept]])
    log_weights = np.where(np.concatenate([kept, np.ones(kept.sum(), bool)]), np.log(0.5), 0.0)
    np.testing.assert_allclose(leave_one_out(doubled, log_weights).elpd, exact, atol=0.02)


def test_a_row_that_decides_everything_is_not_relied_on():
    rng = np.random.default_rng(0)
    mu = rng.standard_normal(4000)
    found = leave_one_out(np.column_stack([-0.1 * (mu - 1) ** 2, -20 * (mu - 3) ** 2]))
    assert found.good.tolist() == [True, False]
    assert "1 of 2 cannot be relied on (the first: 2)" in found.sentence


def test_known_values_stand_before_draws():
    log_likelihood, exact, _ = conjugate(n=4)
    drawn = leave_one_out(log_likelihood)
    found = with_fallback(exact + 1, np.array([True, False, True, False]), drawn)
    np.testing.assert_allclose(found.elpd, [exact[0] + 1, drawn.elpd[1], exact[2] + 1, drawn.elpd[3]])
    np.testing.assert_allclose(found.elpd + found.p_eff, drawn.elpd + drawn.p_eff)
    assert np.isnan(found.k_hat).tolist() == [True, False, True, False]


def test_the_better_fit_stands_first():
    rng = np.random.default_rng(0)
    a = rng.normal(size=100)
    b = a - 0.5 + 0.1 * rng.normal(size=100)
    found = compare({"b": b, "a": a}, {"b": 1, "a": 1})
    assert found.names == ("a", "b")
    assert found.difference[1] == pytest.approx((b - a).sum())
    assert found.standard_error[1] == pytest.approx(10 * (b - a).std(ddof=1))
    assert found.sentence.startswith("a predicts rows left out better than b by")
    assert "do not say" not in found.sentence
    close = compare({"a": a, "b": a + 0.001}, {"a": 1, "b": 1})
    assert "equally well" in close.sentence
    loose = compare({"a": a, "b": a - 0.1 + np.tile([1.0, -1.0], 50)}, {"a": 1, "b": 1})
    assert "do not say" in loose.sentence


@pytest.mark.parametrize(
    ("pointwise", "fingerprints", "said"),
    [
        ({"a": np.zeros(3)}, {"a": 1}, "two or more"),
        ({"a": np.zeros(3), "b": np.zeros(4)}, {"a": 1, "b": 1}, "3 rows and b has 4"),
        ({"a": np.zeros(3), "b": np.zeros(3)}, {"a": 1, "b": 2}, "different rows"),
    ],
)
def test_fits_of_other_rows_are_refused(pointwise, fingerprints, said):
    with pytest.raises(ArgumentError, match=said):
        compare(pointwise, fingerprints)
