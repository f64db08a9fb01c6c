"""The verdict where each example has its own z: on encoders whose gap is known, and on curves of known kind."""

import dataclasses

import numpy as np
import pytest

import taut
from taut.diagnostics.constraint_checks import constraint_checks
from taut.diagnostics.saddle import saddles
from taut.families.amortized import Amortized
from taut.learning.ended import Ended
from taut.models.latent import LatentVariableModel
from taut.networks import MLP
from taut.objectives import Constrained, Weighted, at_least
from taut.objectives.schedules import Linear
from taut.verdict.answers import Converged
from taut.verdict.judge_latent import (
    DRAWS,
    examples_to_judge,
    figures_trust,
    judge_latent,
)
from taut.verdict.training import training_convergence

SPENT, STOPPED = Ended.BUDGET_SPENT, Ended.STOPPED
RISE = {"elbo": np.linspace(-100, -80, 500), "bound": np.linspace(-100, -80, 500)}
random = np.random.default_rng(0)
FLAT = {name: np.r_[np.linspace(-100, -80, 100), -80 + random.standard_normal(900)] for name in ("elbo", "bound")}


def asked(case, constraints=(), step=100):
    return figures_trust(case.problem, case.images, list(constraints), step, 0, np.dtype("float64"))


def test_the_exact_posterior_is_believed(known):
    case = known(n=60)
    trust = asked(case)
    assert trust.answer == "good"
    assert trust.log_evidence == pytest.approx(case.log_marginal.mean(), abs=1e-9)
    assert trust.elbo == pytest.approx(trust.log_evidence, abs=1e-9)
    assert trust.effective_sample_size == pytest.approx(DRAWS)
    assert trust.half_variance == pytest.approx(0.0, abs=1e-9)


def test_an_encoder_that_is_too_wide_has_a_gap(known):
    """widen = 1.5: KL(q||p(z|x)) in closed form, and reliable weights."""
    case = known(n=60, widen=1.5)
    trust = asked(case)
    gap = (case.log_marginal - case.elbo).mean()
    assert trust.answer == "corrected"
    assert f"{trust.log_evidence - trust.elbo:.2g} nats" in trust.reason
    assert trust.log_evidence - trust.elbo == pytest.approx(gap, abs=4 * trust.log_evidence_error + 0.1)


def test_an_encoder_that_misses_the_posterior_is_found_out(known):
    trust = asked(known(n=60, widen=0.05))
    assert trust.answer in ("suspect", "unusable")
    assert "twice the draws raise log p(x)" in trust.reason


def test_codes_that_say_nothing_are_told(known):
    """The decoder does not use z and the encoder gives the prior: the ELBO is log p(x), and the codes are noise."""
    case = known(n=60, used=0)
    trust = asked(case)
    assert trust.log_evidence == pytest.approx(trust.elbo, abs=1e-6)
    assert trust.answer == "suspect"
    assert "no latent unit moves" in trust.reason


def test_an_annealing_that_was_cut_short_is_told(known):
    case = known(n=20)
    early = case._replace(problem=dataclasses.replace(case.problem, objective=Weighted(Linear(steps=100))))
    assert "schedule" in asked(early, step=50).reason
    assert asked(early, step=100).answer == "good"


def test_weights_that_are_not_finite_are_unusable(known):
    case = known(n=20)
    case.images[3] = 1e200
    trust = asked(case)
    assert trust.answer == "unusable"
    assert trust.to_json()["elbo"] is None


def constrained(violation, multiplier):
    """How a constraint on E log p(x|z) >= -80 ended."""
    path = {"violation": np.full((100, 1), violation), "multiplier": np.asarray(multiplier, float).reshape(-1, 1)}
    return saddles(Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0)), path)


@pytest.mark.parametrize(
    ("ended", "answer", "converged"),
    [
        (constrained(0.5, np.full(100, 2.0)), "good", "unknown"),
        (constrained(5.0, np.full(100, 2.0)), "suspect", "no"),
        (constrained(0.5, np.geomspace(1, 50, 100)), "good", "no"),
        (constrained(-40.0, np.full(100, 1e-4)), "good", "unknown"),
    ],
    ids=["settled", "missed", "moving", "slack"],
)
def test_a_constraint_counts(known, ended, answer, converged):
    trust = asked(known(n=20), ended)
    assert trust.answer == answer
    assert training_convergence(RISE, np.zeros(0), SPENT, ended).answer == converged


@pytest.mark.parametrize(
    ("held_out", "answer"),
    [({"validation": -90.0}, "suspect"), ({"validation": -79.0, "test": -90.0}, "suspect"), ({"test": -80.1}, "good")],
)
def test_a_constraint_that_held_out_examples_miss_is_not_trusted(known, held_out, answer):
    """Within a hundredth of the bound it is told and no more: there the multiplier itself leaves training."""
    objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))
    terms = {split: {"expected_log_likelihood": x, "kl": 10.0} for split, x in held_out.items()}
    case = known(n=20)
    checks = constraint_checks(objective, {"violation": np.full((100, 1), -0.1)}, terms)
    trust = figures_trust(case.problem, case.images, [], 100, 0, np.dtype("float64"), checks=checks)
    assert trust.answer == answer
    if answer == "suspect":
        place = "on the test split" if "test" in held_out else "on the validation examples"
        assert trust.reason.endswith(f"does not hold {place}")  # the figures are those of the checks, evaluated anew


@pytest.mark.parametrize(("converged", "answer"), [("yes", "good"), ("unknown", "good"), ("no", "suspect")])
def test_a_training_that_has_not_converged_is_not_trusted(known, converged, answer):
    case = known(n=20)
    trust = figures_trust(case.problem, case.images, [], 100, 0, np.dtype("float64"), converged=Converged(converged))
    assert trust.answer == answer
    corrected = known(n=60, widen=1.5)
    widened = figures_trust(
        corrected.problem, corrected.images, [], 100, 0, np.dtype("float64"), converged=Converged(converged)
    )
    assert widened.answer == {"good": "corrected"}.get(answer, answer)


WIGGLE = 1e-3 * random.standard_normal(20)


@pytest.mark.parametrize(
    ("looks", "ended", "answer"),
    [
        (np.linspace(-100, -80, 20), SPENT, "no"),
        (-80 - 20 * 0.5 ** np.arange(20), SPENT, "yes"),
        (-80 - 20 * 0.5 ** np.arange(20), STOPPED, "yes"),
        (np.r_[np.linspace(-100, -80, 10), np.linspace(-80, -82, 10)], STOPPED, "yes"),
        (-80 + WIGGLE - np.r_[10.0, np.zeros(19)], SPENT, "yes"),
        (-80 + 500 * WIGGLE, SPENT, "unknown"),
        (np.array([-90.0, -85.0, -80.0]), SPENT, "no"),
        (np.zeros(0), SPENT, "no"),
        (np.full(20, np.nan), SPENT, "no"),
        (np.linspace(-100, -80, 20), Ended.INTERRUPTED, "no"),
    ],
    ids=["rising", "arrived", "stopped", "overfitting", "flat", "noisy", "few", "none", "not finite", "interrupted"],
)
def test_training_is_judged_by_what_was_not_trained_on(looks, ended, answer):
    assert training_convergence(RISE if answer == "no" else FLAT, looks, ended, []).answer == answer


SLOW = np.r_[np.linspace(-100, -80, 10), np.linspace(-79.99, -79.93, 20)]


@pytest.mark.parametrize(
    ("looks", "ended", "answer", "words"),
    [
        (SLOW, STOPPED, "yes", "has risen by less than 0.1 % in the last 20 looks"),
        (np.r_[SLOW[:10], np.full(20, -80.5)], STOPPED, "yes", "has not risen in the last 20 looks"),
        (np.linspace(-100, -80, 20), STOPPED, "no", "no end of the rise is in sight"),  # a patience of one look
        (-90 + 3 * np.log(np.arange(1.0, 26)), SPENT, "no", "own rule after about 160,000 steps in all"),
        (-80 - 40 / np.sqrt(np.arange(1.0, 26)), SPENT, "no", "own rule after about"),
    ],
)
def test_a_training_says_how_long_it_would_take(looks, ended, answer, words):
    seen = training_convergence(RISE, looks, ended, [], 200 * len(looks))
    assert seen.answer == answer
    assert words in seen.reason


def test_where_the_looks_cannot_tell_the_training_may():
    assert training_convergence(RISE, -80 + 500 * WIGGLE, SPENT, []).answer == "no"


@pytest.mark.parametrize("ended", [SPENT, STOPPED])
def test_a_frozen_training_is_not_called_converged(ended):
    still = {"elbo": -100 + random.standard_normal(500), "bound": -100 + random.standard_normal(500)}
    seen = training_convergence(still, -100 + 1e-6 * random.standard_normal(20), ended, [])
    assert seen.answer == "unknown"
    assert "frozen" in seen.reason


def test_a_curve_of_training_alone_never_says_yes():
    assert training_convergence(FLAT, np.zeros(0), SPENT, []).answer == "unknown"


def test_examples_are_few_and_as_the_model_sees_them():
    seen = examples_to_judge(np.arange(1000.0)[:, None], lambda key, rows: -rows, 0)
    assert seen.rows.shape == (200, 1)
    assert len(np.unique(seen.rows)) == 200
    assert seen.rows.max() <= 0
    assert len(examples_to_judge(np.zeros((7, 2)), None, 0).rows) == 7


@pytest.mark.slow
def test_a_fit_and_what_was_saved_of_it_say_the_same(tmp_path):
    x = (np.random.default_rng(0).random((40, 8)) < 0.4).astype(np.float32)
    model = LatentVariableModel(MLP([2, 5, 8]), latent=2)
    fit = taut.fit(model, x, family=Amortized(MLP([8, 5, 4])), steps=20, batch_size=16, progress=False)
    verdict = fit.verdict
    assert verdict is fit.verdict  # given once
    assert str(verdict) in str(fit)
    again = taut.load(fit.save(tmp_path / "run")).verdict
    assert str(again) == str(verdict)
    assert again.to_json() == fit.to_json()["verdict"]
    same = judge_latent(fit.problem, fit.parent.rows, fit.history, np.zeros(0), fit.ended, 20, seed=0, dtype=fit.dtype)
    assert same.to_json() == verdict.to_json()
