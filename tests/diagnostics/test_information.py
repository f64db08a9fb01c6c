"""Mutual information and active units, on models where they are known."""

import numpy as np
import pytest
from scipy.special import logsumexp

from taut.diagnostics.activity import activity
from taut.diagnostics.codes import Codes
from taut.diagnostics.evaluation import evaluate
from taut.diagnostics.information import information
from taut.families import MeanField
from taut.gradients import Reparametrization
from taut.models.latent import LatentVariableModel
from taut.objectives import Elbo
from taut.problem import Problem

SIGMAS = 4  # failed by chance once in 16,000 comparisons


def grouped(groups, slope, still):
    """Images in `groups` equal groups, each with one code: far apart if `slope` is large."""
    images = np.repeat(np.arange(float(groups)), 40 // groups)[:, None] * np.ones(3)
    model = LatentVariableModel(lambda z: z.sum() * np.ones(3), "gaussian", 2)
    return Problem(model, still([slope, 0.0], [-1.0, 0.0]), Elbo(), Reparametrization()), images


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_separate_codes_tell_the_group_and_nothing_else(groups, still):
    seen = evaluate(*grouped(groups, 50.0, still), draws=2).information
    assert seen.mutual_information == pytest.approx(np.log(groups), abs=1e-5)
    assert seen.limit == pytest.approx(np.log(40))


@pytest.mark.slow
def test_overlapping_codes_against_quadrature(still):
    seen = evaluate(*grouped(2, 0.6, still), draws=2, dtype="float64").information
    z, sd = np.linspace(-8, 9, 20_001), np.exp(-1.0)
    q = np.exp(-0.5 * ((z - np.array([[0.0], [0.6]])) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    truth = (q * np.log(q / q.mean(0))).sum(1).mean() * (z[1] - z[0])
    assert 0.1 < truth < 0.6
    assert abs(seen.mutual_information - truth) < SIGMAS * seen.standard_error


@pytest.mark.slow
def test_the_two_parts_sum_to_the_kl(still):
    seen = evaluate(*grouped(2, 0.6, still), draws=2)
    assert seen.information.mutual_information + seen.information.marginal_kl == pytest.approx(seen.kl)


def test_binary_codes_against_enumeration(binary):
    problem, images, _, _, log_q = binary
    seen = evaluate(problem, images, draws=2, dtype="float64").information
    log_mixture = logsumexp(log_q, axis=0) - np.log(len(images))
    truth = (np.exp(log_q) * (log_q - log_mixture)).sum(1).mean()
    marginal_kl = (np.exp(log_mixture) * (log_mixture + 4 * np.log(2))).sum()
    assert abs(seen.mutual_information - truth) < SIGMAS * seen.standard_error
    assert abs(seen.marginal_kl - marginal_kl) < SIGMAS * seen.standard_error


def test_the_limit_is_said(still):
    problem, _ = grouped(1, 50.0, still)
    images = np.arange(40.0)[:, None] * np.ones(3)
    seen = evaluate(problem, images, draws=2)
    assert seen.information.mutual_information == pytest.approx(np.log(40), abs=1e-4)
    assert "log 40" in seen.information.warning
    assert evaluate(*grouped(2, 50.0, still), draws=2).information.warning is None


@pytest.mark.slow
def test_active_units_of_a_model_that_uses_two_of_four(known):
    case = known(latent=4, used=2, n=100)
    seen = evaluate(case.problem, case.images, draws=2, dtype="float64")
    assert (seen.activity.active, seen.activity.units) == (2, 4)
    assert np.array(seen.activity.variances[:2]).min() > 0.1
    assert np.array(seen.activity.variances[2:]).max() < 1e-12
    assert np.array(seen.kl_per_dimension[2:]) == pytest.approx(0, abs=1e-12)
    assert [count for _, count in seen.activity.curve][:6] == [2] * 6
    assert seen.collapse.verdict == "pruned"
    assert seen.collapse.cause is None


def test_variance_not_size_makes_a_unit_active():
    means = np.array([[5.0, 0.2], [5.0, -0.2], [5.0, 0.0]])
    assert activity(means).active == 1
    assert activity(means, threshold=0.05).active == 0


@pytest.mark.parametrize("kl", [0.0, 1e-4, 3e-3])
def test_neither_part_of_a_small_kl_is_negative(kl):
    """Codes that are nearly the prior: the noise of the draws is as large as the parts."""
    rng = np.random.default_rng(0)
    for seed in range(5):
        mean = np.sqrt(2 * kl) * rng.standard_normal((30, 1))
        q = MeanField(mean, np.zeros((30, 1)))
        seen = information(Codes(q, mean, None, None), np.full(30, kl), seed=seed)
        assert seen.mutual_information >= 0
        assert seen.marginal_kl >= 0
        assert seen.mutual_information + seen.marginal_kl == pytest.approx(kl)
