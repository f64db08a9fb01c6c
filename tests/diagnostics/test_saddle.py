"""Saddle diagnostics on made-up histories, and the range of bounds on data whose range is known."""

import numpy as np
import pytest

from taut.diagnostics.feasible_range import feasible_range, range_of, refuse_unreachable
from taut.diagnostics.saddle import saddles
from taut.errors import ArgumentError
from taut.models.latent import LatentVariableModel
from taut.models.likelihoods import Gaussian
from taut.objectives import Constrained, Elbo, at_least, at_most

STEPS = 1000
RECONSTRUCT = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))


def seen(violation, multiplier, objective=RECONSTRUCT):
    history = {"violation": np.resize(violation, (STEPS, 1)), "multiplier": np.resize(multiplier, (STEPS, 1))}
    return saddles(objective, history)[0]


def test_a_settled_saddle():
    falling = np.r_[np.linspace(100, 0, 500), np.linspace(0, -4, 100), np.linspace(-4, 0, 100), np.full(300, 0.8)]
    found = seen(falling, np.r_[np.linspace(1, 3, 700), np.full(300, 2.0)])
    assert found.state == "settled"
    assert (found.multiplier, found.equivalent_beta, found.slack) == (2.0, 0.5, 0.0)
    assert found.violation == pytest.approx(0.8)
    assert found.overshoot == pytest.approx(4 / 80, rel=0.2)  # smoothed over 20 steps
    assert found.crossings == 2
    assert 495 <= found.reached <= 530
    assert "settled at 2" in found.words


def test_a_batchs_noise_is_neither_overshoot_nor_crossing():
    noise = np.random.default_rng(0).normal(size=STEPS)
    assert seen(noise - 3.0, 2.0).crossings == 0
    assert seen(noise, 2.0).overshoot < 0.02  # 1.6 nats: the average of 20 has the standard deviation 0.22


def test_slack_missed_and_moving():
    assert seen(-5.0, 1e-3).state == "slack"
    assert seen(-5.0, 1e-3).slack == 5.0
    assert seen(4.0, 50.0).state == "missed"
    assert seen(4.0, 50.0).reached is None
    assert seen(0.1, np.geomspace(1, 20, STEPS)).state == "moving"
    assert seen(-5.0, 1.0).state == "moving"  # room to spare, and still felt
    assert all(seen(v, m).words for v, m in ((-5.0, 1e-3), (4.0, 50.0), (-5.0, 1.0)))


def test_the_mirror_forms_multiplier_is_beta_itself():
    mirror = Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 12.0))
    assert seen(0.0, 0.5, mirror).equivalent_beta == 0.5
    assert seen(0.0, 0.0, mirror).equivalent_beta is None


def test_a_history_of_something_else_is_refused():
    with pytest.raises(ArgumentError, match="history of a constrained training"):
        saddles(RECONSTRUCT, {"elbo": np.zeros(100)})


def model_of(likelihood):
    return LatentVariableModel(lambda z: z, likelihood, latent=2)


def test_the_range_of_the_bernoulli_likelihood_by_hand():
    x = (np.random.default_rng(1).random((400, 6, 2)) < 0.3).astype(np.float32)
    p = x.reshape(400, -1).mean(axis=0).astype(float)
    entropy = -np.sum(p * np.log(p) + (1 - p) * np.log(1 - p))
    found = feasible_range(model_of("bernoulli"), x)
    assert found.floor == pytest.approx(-entropy, abs=1e-3)
    assert found.ceiling == pytest.approx(0.0, abs=1e-6)


def test_the_range_of_grey_values_and_of_counts_by_hand():
    grey = np.array([[0.0], [0.25], [0.75], [1.0]])
    found = feasible_range(model_of("relaxed"), grey)
    quarter = 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    assert found.ceiling == pytest.approx(quarter / 2, abs=1e-3)
    assert found.floor == pytest.approx(-np.log(2), abs=1e-3)
    counts = np.array([[1.0], [3.0]])
    found = feasible_range(model_of("poisson"), counts)

    def best(x, rate):
        return x * np.log(rate) - rate - np.log([1, 1, 2, 6][x])

    assert found.ceiling == pytest.approx((best(1, 1) + best(3, 3)) / 2, abs=1e-3)
    assert found.floor == pytest.approx((best(1, 2) + best(3, 2)) / 2, abs=1e-3)


def test_the_range_is_asked_for_where_a_bound_lies_in_it():
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    assert range_of(RECONSTRUCT, model_of("bernoulli"), x) == feasible_range(model_of("bernoulli"), x)
    learned = LatentVariableModel(lambda z: z, Gaussian(1.0, learned=True), latent=2)
    assert range_of(RECONSTRUCT, learned, x) is None
    assert range_of(Elbo(), model_of("bernoulli"), x) is None
    assert range_of(Constrained("kl", subject_to=at_least("elbo", -1.0)), model_of("bernoulli"), x) is None


def test_a_bound_above_the_ceiling_is_refused_before_training():
    x = np.array([[0.0, 1.0], [1.0, 1.0]])
    for bound in (0.0, 5.0):
        objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", bound))
        with pytest.raises(ArgumentError, match=r"out of reach.*one that ignores z reaches -0\.6931"):
            refuse_unreachable(objective, model_of("bernoulli"), x)
    refuse_unreachable(RECONSTRUCT, model_of("bernoulli"), x)
    refuse_unreachable(Elbo(), model_of("bernoulli"), x)
    refuse_unreachable(Constrained("kl", subject_to=at_least("elbo", -1.0)), model_of("categorical"), x)
