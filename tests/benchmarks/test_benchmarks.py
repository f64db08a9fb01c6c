"""The benchmarks' parts: the judge of the race is right, and the scripts import. No timing."""

from importlib.util import find_spec

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import taut


@pytest.fixture
def problem(bench, breast_cancer):
    """(design matrix [569, 31], y [569]) of the race."""
    X, y = breast_cancer
    return bench("clock").design(X), y.astype(float)


def test_judge_knows_the_anchor(bench, problem):
    D = problem[0].shape[1]
    elbo = bench("judge").exact_elbo(np.zeros(D), np.ones(D), *problem)
    assert elbo == pytest.approx(-1226.592482, abs=1e-6)


def test_judge_agrees_with_adaptive_quadrature(bench):
    """Two rows, a correlated posterior, logits with a standard deviation up to 25: scipy integrates each one anew."""
    X, y = np.array([[1.0, -2.0], [4.0, 9.0]]), np.array([1.0, 0.0])
    mean, L = np.array([0.3, -1.2]), np.array([[1.5, 0.0], [-0.7, 2.5]])
    covariance = L @ L.T
    expected = 0.0
    for x, label in zip(X, y, strict=True):
        m, sd = x @ mean, np.sqrt(x @ covariance @ x)

        def integrand(eta, m=m, sd=sd):
            return np.logaddexp(0.0, eta) * norm.pdf(eta, m, sd)

        softplus = quad(integrand, m - 12 * sd, m + 12 * sd, points=[0.0, m], epsabs=1e-11, limit=500)[0]
        expected += label * m - softplus
    expected -= 0.5 * (np.trace(covariance) + mean @ mean - 2 - np.log(np.linalg.det(covariance)))
    assert bench("judge").exact_elbo(mean, L, X, y) == pytest.approx(expected, abs=1e-8)


def test_judge_takes_a_diagonal_as_a_matrix_or_as_a_vector(bench, problem):
    mean, sd = np.linspace(-1, 1, 31), np.linspace(0.1, 2, 31)
    judge = bench("judge").exact_elbo
    assert judge(mean, sd, *problem) == pytest.approx(judge(mean, np.diag(sd), *problem), abs=1e-9)


@pytest.mark.parametrize("family", ["mean-field", "full-rank"])
def test_judge_puts_the_optimum_at_the_top(bench, problem, breast_cancer, family):
    judge, ours = bench("judge"), bench("taut_natural")
    mean, factor = ours.fitter(*breast_cancer, family)()
    best = judge.exact_elbo(mean, factor, *problem)
    assert best == pytest.approx(judge.OPTIMUM[family], abs=1e-5)
    for step in (-0.05, 0.05):
        assert judge.exact_elbo(mean + step, factor, *problem) < best - judge.TOLERANCE
        assert judge.exact_elbo(mean, factor * (1 + step), *problem) < best - judge.TOLERANCE


@pytest.mark.parametrize(
    ("gaps", "arrived"),
    [
        ([0.5, 0.009, 0.008], 200),
        ([0.5, 0.009, 0.02, 0.008], 400),  # it came, left and came back: what counts is that it stays
        ([0.5, 0.009, 0.02], None),
        ([0.5, 0.01], 200),
        ([0.001], 100),
        ([0.5, float("nan")], None),
        ([float("nan"), 0.001], 200),
    ],
)
def test_arrival_is_the_first_look_from_which_on_the_run_stays(bench, gaps, arrived):
    steps = 100 * np.arange(1, len(gaps) + 1)
    found, last = bench("judge").arrival(steps, reversed(gaps))
    assert found == arrived
    assert last == pytest.approx(gaps[-1], nan_ok=True)


def test_arrival_judges_no_more_than_it_needs(bench):
    def gaps():
        yield from (0.001, 0.5)
        pytest.fail("judged a look before the last miss")

    assert bench("judge").arrival(np.array([100, 200, 300]), gaps())[0] == 300


def test_ratios_are_the_peers_time_over_ours_and_the_faster_way_counts(bench):
    race = bench("logistic")
    times = {race.TAUT.name: (1.0, 0.1, 2.0), race.RUN.name: (9.0, 2.0, 5.0), race.JIT.name: (4.0, 3.0, 6.0)}
    results = {name: {m: {"median": t} for m, t in zip(race.TARGETS, row, strict=True)} for name, row in times.items()}
    faster = race.ratios(results)["NumPyro, the faster"]
    assert faster == {"first": pytest.approx(4.0), "warm": pytest.approx(20.0), "whole": pytest.approx(2.5)}


@pytest.mark.parametrize(
    "name", ["logistic", "clock", "judge", "taut_natural", "numpyro_svi", "pymc_advi", "density_taut"]
)
@pytest.mark.filterwarnings("default")  # what the peers warn of at import is not ours
def test_parts_import_and_leave_the_precision_as_it_is(bench, name):
    if name == "pymc_advi" and find_spec("pymc") is None:
        pytest.skip("needs PyMC, which `make bench` installs")
    before = jax.config.values["jax_enable_x64"]
    assert bench(name).__doc__
    assert jax.config.values["jax_enable_x64"] == before


@pytest.mark.slow
@pytest.mark.parametrize("family", ["mean-field", "full-rank"])
@pytest.mark.filterwarnings("default")
def test_numpyro_makes_the_same_steps_timed_and_watched(bench, breast_cancer, family):
    peer = bench("numpyro_svi")
    run = {"steps": 20, "seed": 0, "rate": 0.1, "horizon": 100, "decay": 0.1, "particles": 2}
    steps, mean, factor = peer.tracer(*breast_cancer, family, every=10, **run)
    assert steps.tolist() == [10, 20]
    assert mean.shape == (2, 31)
    for way in ("run", "jit"):
        timed = peer.fitter(*breast_cancer, family, way=way, **run)()
        np.testing.assert_allclose(timed[0], mean[-1], atol=1e-4)  # float32, two programs, twenty steps
        np.testing.assert_allclose(timed[1], factor[-1], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["mean-field", "full-rank"])
@pytest.mark.filterwarnings("default")
def test_pymc_is_judged_by_the_gaussian_that_pymc_means(bench, breast_cancer, family):
    if find_spec("pymc") is None:
        pytest.skip("needs PyMC, which `make bench` installs")
    peer = bench("pymc_advi")
    X, y = breast_cancer
    approximation = peer.fit(peer.state(X[:, :3], y), family, steps=50, seed=0, rate=0.1)
    mean, factor = peer.gaussian(approximation)
    L = np.diag(factor) if factor.ndim == 1 else factor
    np.testing.assert_allclose(mean, approximation.mean.eval(), rtol=1e-12)
    np.testing.assert_allclose(L @ L.T, approximation.cov.eval(), rtol=1e-10)


def test_peers_time_the_tool_that_is_tested(bench):
    assert bench("taut_natural").taut is taut
