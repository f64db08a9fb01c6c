"""Has it converged? At exact optima, at known distances from them, and on noise of known kind."""

import numpy as np
import pytest
from scipy.stats import binom

from taut.algorithms.on_density.gaussians import Gaussian
from taut.verdict.convergence import Convergence, by_history, certified, full_step, nats_left

from ..helpers.densities import Plain, best_of_log_gamma, log_gamma, normal

COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
MEAN = np.array([3.0, -2.0])
FACTOR = np.linalg.cholesky(COVARIANCE)


def asked(density, q, factorised=False, seed=0):
    return full_step(density, q, factorised, np.random.default_rng(seed))


def test_the_exact_optimum_is_the_answer():
    seen = asked(normal(MEAN, COVARIANCE), Gaussian(MEAN, FACTOR))
    assert seen.answer == "yes"
    assert seen.left < 1e-12
    assert seen.figures["move"] < 1e-7


def test_the_optimum_of_a_skewed_density():
    seen = asked(log_gamma(20.0), best_of_log_gamma(20.0))
    assert seen.answer == "yes"
    assert seen.left < 1e-3


def test_a_mean_field_at_its_own_optimum():
    """Its variances are one over the diagonal of the precision, less than the marginal ones."""
    sd = np.diag(np.linalg.inv(COVARIANCE)) ** -0.5
    seen = asked(normal(MEAN, COVARIANCE), Gaussian(MEAN, np.diag(sd)), factorised=True)
    assert seen.answer == "yes"
    wrong = asked(normal(MEAN, COVARIANCE), Gaussian(MEAN, np.diag(np.diag(COVARIANCE) ** 0.5)), factorised=True)
    assert wrong.answer == "no"


def laplace(scale):
    """Independent Laplace variables: the curvature is all in the kink, and any batch's estimate of it is noisy."""
    return Plain(len(scale), lambda z: -np.sum(np.abs(z) / scale, axis=1), lambda z: -np.sign(z) / scale)


@pytest.mark.parametrize("dim", [5, 20, 50])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_optimum_of_a_density_with_kinks(dim, seed):
    """E|x| of a Gaussian is sd sqrt(2 / pi): the best sd is sqrt(pi / 2) scales. The inverse of one batch's curvature
    is a tenth too large at fifty coordinates, and must not be taken for a step that is left to make."""
    scale = np.geomspace(0.1, 10.0, dim)
    best = np.diag(np.sqrt(np.pi / 2) * scale)
    assert asked(laplace(scale), Gaussian(np.zeros(dim), best), seed=seed).answer == "yes"
    assert asked(laplace(scale), Gaussian(np.zeros(dim), 1.2 * best), seed=seed).answer == "no"


@pytest.mark.parametrize("away", [0.2, -0.2, 1.0, 30.0])
def test_a_mean_that_is_off_is_not_the_answer(away):
    """On a Gaussian the step leads home at once, so that its length is the distance and its gain is half its square."""
    q = Gaussian(MEAN + FACTOR @ np.array([away, 0.0]), FACTOR)
    seen = asked(normal(MEAN, COVARIANCE), q)
    assert seen.answer == "no"
    assert seen.figures["move"] == pytest.approx(abs(away), rel=1e-6)
    assert seen.left >= 0.5 * away**2 * 0.99


@pytest.mark.parametrize("widened", [0.8, 1.25])
def test_a_width_that_is_off_is_not_the_answer(widened):
    seen = asked(normal(MEAN, COVARIANCE), Gaussian(MEAN, widened * FACTOR))
    assert seen.answer == "no"
    assert seen.figures["width"] == pytest.approx(abs(np.log(widened)), rel=1e-6)


def test_a_skewed_density_a_fifth_of_an_sd_off():
    q = best_of_log_gamma(20.0)
    assert asked(log_gamma(20.0), Gaussian(q.mean + 0.2 * q.sd, q.factor)).answer == "no"


@pytest.mark.parametrize("away", [0.0, 0.2])
def test_constants_and_units_change_nothing(away):
    def figures(constant=0.0, unit=1.0):
        q = best_of_log_gamma(20.0, unit)
        seen = asked(log_gamma(20.0, constant, unit), Gaussian(q.mean + away * q.sd, q.factor))
        return seen.answer, [seen.left, *seen.figures.values()]

    answer, plain = figures()
    for other in (figures(constant=-1e6), figures(unit=1e5), figures(unit=1e-5)):
        assert other[0] == answer
        np.testing.assert_allclose(other[1], plain, rtol=1e-5, atol=1e-9)


def test_outside_the_support_is_not_converged():
    nowhere = Plain(1, lambda z: np.where(z[:, 0] > 0, -z[:, 0], -np.inf), lambda z: -np.ones_like(z))
    seen = asked(nowhere, Gaussian(np.zeros(1), np.eye(1)))
    assert seen.answer == "no"
    assert "not finite" in seen.reason


def test_noise_that_hides_the_answer_is_unknown():
    """Gradients with noise of their own (a subsample's, say): the step is not known well enough to say anything."""
    random = np.random.default_rng(0)
    true = normal(np.zeros(2), np.eye(2))
    noisy = Plain(2, true.value, lambda z: true.gradient(z) + 3 * random.standard_normal(z.shape))
    assert asked(noisy, Gaussian(np.zeros(2), np.eye(2))).answer == "unknown"


def test_a_certificate_is_passed_on():
    assert certified(True, 1e-13, {}).answer == "yes"
    assert "less than 0.0001" in certified(True, 1e-13, {}).reason
    assert certified(False, 0.3, {}).answer == "no"


@pytest.mark.parametrize(("left", "says"), [(12.3, "12"), (0.00012, "0.0001"), (0.0, "less than 0.0001")])
def test_nats_left_in_words(left, says):
    assert nats_left(left) == f"{says} nats left to gain"


def test_a_flat_history_proves_nothing():
    """White noise is never "yes", and "no" once in 200: of 2,000 at most 22 (exceeded with probability 1e-3)."""
    most = 22
    assert binom.sf(most, 2000, 1 / 200) < 1e-3
    random = np.random.default_rng(0)
    answers = [by_history({"bound": -5 + random.standard_normal(500)}).answer for _ in range(2000)]
    assert "yes" not in answers
    assert answers.count("no") <= most


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (np.linspace(0, 10, 1000), "no"),
        (-np.exp(-np.arange(1000) / 1e5), "no"),
        (np.zeros(1000), "unknown"),
        (np.linspace(0, -10, 1000), "unknown"),
        (np.zeros(10), "unknown"),
        (np.full(1000, np.nan), "unknown"),
        (np.zeros(0), "unknown"),
    ],
    ids=["rising", "creeping", "flat", "falling", "short", "not finite", "empty"],
)
def test_a_history_is_read_for_what_it_says(path, answer):
    assert by_history({"bound": path}).answer == answer


def test_without_a_history_nothing_is_known():
    assert by_history({}).answer == "unknown"


@pytest.mark.parametrize(
    "seen",
    [
        Convergence("yes", "less than 0.0001 nats left to gain", 1e-9, {"move": 0.01}),
        Convergence("no", "the objective is not finite", None),
        Convergence("unknown", "", float("inf"), {"standard_error": float("nan")}),
    ],
    ids=lambda seen: seen.answer,
)
def test_json_and_back(seen):
    again = Convergence.from_json(seen.to_json())
    assert again.to_json() == seen.to_json()
    assert (again.answer, again.reason) == (seen.answer, seen.reason)
