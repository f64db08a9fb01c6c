"""Can it be trusted? On pairs of q and p whose distance is known in closed form."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from taut.verdict.trust import Trust, quantile_advice, trust_from_weights
from taut.verdict.weighing import resample, weigh

N = 4000
Z = norm.ppf((np.arange(N) + 0.5) / N)
Z = Z / Z.std()  # quantiles of exactly unit variance: averages over them are quadrature


def pair(mean=0.0, sd=1.0, constant=0.0):
    """log p - log q and the draws, for q = N(0, 1) and p = N(mean, sd)."""
    return norm.logpdf(Z, mean, sd) - norm.logpdf(Z) + constant, Z[:, None]


def said(log_weights, values=Z[:, None], **options):
    names = tuple(f"x[{i}]" for i in range(values.shape[1]))
    return trust_from_weights(log_weights, values, names, **options)[0]


@pytest.mark.parametrize("mean", [0.01, 0.1, 0.5, 1.0])
def test_half_the_variance_is_the_divergence(mean):
    """q = N(0, 1), p = N(m, 1): log w = m z + c, so that half its variance is m^2 / 2 = KL(q||p), whatever m."""
    assert said(pair(mean)[0]).half_variance == pytest.approx(0.5 * mean**2, rel=1e-9)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.02), (0.05, 0.99)])
def test_half_the_variance_is_nearly_the_divergence_where_q_is_close(mean, sd):
    kl = np.log(sd) + (1 + mean**2) / (2 * sd**2) - 0.5
    assert said(pair(mean, sd)[0]).half_variance == pytest.approx(kl, rel=0.1)


@pytest.mark.parametrize(("mean", "sd"), [(0.3, 1.0), (-0.5, 0.8), (1.0, 1.0), (0.0, 0.5), (0.05, 1.05)])
def test_the_shift_is_the_true_one(mean, sd):
    """Conjugate pairs: the weighted draws have the mean and sd of p, in units of q's sd."""
    weighing = weigh(*pair(mean, sd))
    assert weighing.shift[0] == pytest.approx(mean, abs=0.01)
    assert weighing.sd_ratio[0] == pytest.approx(sd, rel=0.02)


def test_the_shift_is_in_sds_of_q():
    log_weights, values = pair(0.5)
    a, b = weigh(log_weights, values), weigh(log_weights, 1e4 * values - 7)
    np.testing.assert_allclose(b.shift, a.shift, rtol=1e-9)
    np.testing.assert_allclose(b.sd_ratio, a.sd_ratio, rtol=1e-9)


def test_each_unknown_has_its_own_shift():
    other = np.random.default_rng(0).permutation(Z)
    weighing = weigh(pair(0.5)[0], np.stack([Z, other, -Z], 1))
    np.testing.assert_allclose(weighing.shift[[0, 2]], [0.5, -0.5], atol=0.01)
    assert abs(weighing.shift[1]) < 4 * np.exp(0.5 * 0.25) / np.sqrt(N)  # independent: 4 standard errors, 1 in 16,000


def test_a_constant_unknown_never_shifts():
    weighing = weigh(pair(1.0)[0], np.ones((N, 1)))
    assert (weighing.shift[0], weighing.sd_ratio[0]) == (0.0, 1.0)


def test_second_moment_sizes():
    """(sum w h)^2 / sum (w h)^2 with h the squared deviation: n / kurtosis for equal weights, 1 for one far draw."""
    equal = weigh(np.zeros(N), Z[:, None]).second_moment_size[0]
    assert equal == pytest.approx(N / np.mean(Z**4))
    assert equal == pytest.approx(N / 3, rel=0.02)
    far = Z.copy()
    far[0] = 1e6
    assert weigh(np.zeros(N), far[:, None]).second_moment_size[0] == pytest.approx(1.0, abs=0.01)
    weighing = weigh(*pair(0.5, 0.8))
    h = weighing.smoothed.weights * (Z - weighing.smoothed.weights @ Z) ** 2
    assert weighing.second_moment_size[0] == pytest.approx(h.sum() ** 2 / (h**2).sum())


@pytest.mark.parametrize("constant", [-1e5, 1e5])
def test_a_constant_in_log_p_changes_no_answer(constant):
    a, b = said(pair(0.3, 0.9)[0]), said(pair(0.3, 0.9, constant)[0])
    assert (a.answer, a.reason) == (b.answer, b.reason)
    assert b.log_evidence - a.log_evidence == pytest.approx(constant)
    assert b.elbo - a.elbo == pytest.approx(constant)


def test_the_evidence_lies_above_the_elbo_by_the_divergence():
    """E log w = -KL(q||p) and log E w = 0 for normalised densities."""
    trust = said(pair(0.5)[0])
    assert trust.elbo == pytest.approx(-0.125, abs=1e-9)
    assert trust.log_evidence == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("log_weights", "options", "answer", "says"),
    [
        (np.zeros(N), {}, "good", "less than 0.005 sd"),
        (pair(0.05)[0], {}, "good", "0.05 sd"),
        (pair(0.3)[0], {}, "corrected", "0.30 sd"),
        (pair(0.0, 0.9)[0], {}, "corrected", "sds by up to 10%"),
        (pair(1.0)[0], {}, "corrected", "1.00 sd"),
        (pair(1.6)[0], {}, "suspect", "too few"),
        (pair(5.0)[0], {}, "unusable", "differ too much"),
        (np.zeros(N), {"converged": "no"}, "suspect", "not converged"),
        (np.zeros(N), {"converged": "unknown"}, "good", "each mean"),
        (np.zeros(N), {"recurred": False}, "suspect", "one start only"),
        (np.zeros(N), {"rivals": 0.3}, "suspect", "30% of the mass"),
        (np.zeros(N), {"rivals": 0.001}, "good", "each mean"),
        (np.full(N, -np.inf), {}, "unusable", "differ"),
    ],
    ids=[
        "equal",
        "near",
        "mean",
        "sd",
        "far",
        "farther",
        "farthest",
        "moving",
        "unknown",
        "once",
        "rival",
        "no rival",
        "nowhere",
    ],
)
def test_the_answer(log_weights, options, answer, says):
    trust = said(log_weights, **options)
    assert trust.answer == answer
    assert says in trust.reason
    assert trust.reliable == (answer in ("good", "corrected"))


def test_few_effective_draws_do_where_the_log_density_is_concave():
    """p = N(1.6, 1): 4,000 draws are worth some 300; 20 times as many are worth 20 times as much, which is enough."""
    z = norm.ppf((np.arange(20 * N) + 0.5) / (20 * N))
    log_weights = norm.logpdf(z, 1.6) - norm.logpdf(z)
    assert said(log_weights, z[:, None]).answer == "suspect"
    assert said(log_weights, z[:, None], concave=True).answer == "corrected"
    assert said(pair(1.6)[0], concave=True).answer == "suspect"
    assert said(log_weights, z[:, None], concave=True, converged="no").answer == "suspect"


def test_an_sd_that_hangs_on_a_few_draws_is_told():
    """exp(3 Z) has a fourth moment of e^72 times the square of its second: no 4,000 draws know its sd."""
    trust = said(pair(0.1)[0], np.stack([Z, np.exp(3 * Z)], 1))
    assert trust.answer == "suspect"
    assert "the sd of x[1]" in trust.reason
    assert "quantiles" in trust.reason
    assert trust.second_moment_size[1] < 50 < trust.second_moment_size[0]


def test_mass_outside_the_support_is_seen():
    """Half of q lies where p is nothing: an infinite divergence, and weights that are otherwise equal."""
    trust = said(np.where(Z > 0, 0.0, -np.inf))
    assert trust.answer == "corrected"
    assert trust.elbo == -np.inf
    assert trust.shift[0] == pytest.approx(np.sqrt(2 / np.pi), abs=0.01)


def test_draws_are_resampled_by_their_weights():
    """Systematic: a draw of weight w appears n w times, rounded up or down."""
    random = np.random.default_rng(0)
    weights = random.dirichlet(np.full(50, 0.3))
    counts = np.bincount(resample(weights, 1000, random), minlength=50)
    assert counts.sum() == 1000
    assert np.all(np.abs(counts - 1000 * weights) < 1)


def test_resampled_draws_are_in_no_order():
    places = resample(np.full(100, 0.01), 100, np.random.default_rng(0))
    assert sorted(places) == list(range(100))
    assert list(places) != list(range(100))


@pytest.mark.parametrize("log_weights", [pair(0.3)[0], np.zeros(N), np.full(N, -np.inf)])
def test_json_and_back(log_weights):
    trust = said(log_weights, np.stack([Z, -Z], 1))
    plain = json.loads(json.dumps(trust.to_json(), allow_nan=False))
    assert plain["largest_shift"] == pytest.approx(np.abs(trust.shift).max())
    again = Trust.from_json(plain)
    assert again.to_json() == trust.to_json()
    assert again.names == ("x[0]", "x[1]")
    np.testing.assert_array_equal(again.shift, trust.shift)


@pytest.mark.parametrize(("shift", "advised"), [(0.1, True), (-0.1, True), (0.3, False), (-0.3, False)])
def test_quantiles_are_advised_only_where_those_of_q_hold(shift, advised):
    """exp(4z) has an sd that 4,000 draws cannot tell; where p lies 0.3 sd away, so do the quantiles."""
    values = np.exp(4 * Z)[:, None] if shift >= 0 else -np.exp(-4 * Z)[:, None]
    seen = said(pair(shift)[0], values)
    assert seen.answer == "suspect"
    assert "hangs on a few draws" in seen.reason
    assert ("read quantiles, not sds" in seen.reason) == advised, seen.reason
    assert ("95% interval of x[0] leaves" in seen.reason) == (not advised)


def test_the_advice_is_about_the_unknowns_in_doubt():
    """The interval of another unknown that does not hold is no matter here; the tails are those that are printed."""
    tails = np.array([[0.09, 0.025], [0.02, 0.03]])
    assert quantile_advice(("a", "b"), tails, np.array([False, True])) == "read quantiles, not sds"
    assert "of a leaves 9.0% below, 2.0% above" in quantile_advice(("a", "b"), tails, np.array([True, True]))
