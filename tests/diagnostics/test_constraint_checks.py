"""A constraint is met or missed on each split by itself, and held-out examples forgive nothing."""

import numpy as np
import pytest

from taut.diagnostics.constraint_checks import constraint_checks, sentences
from taut.objectives import Constrained, Elbo, at_least, at_most


def terms(likelihood, kl):
    return {"expected_log_likelihood": likelihood, "kl": kl}


def history(*violations, steps=40):
    """The last tenth holds `violations`; before it they were far from met."""
    path = np.full((steps, len(violations)), 50.0)
    path[-steps // 10 :] = violations
    return {"violation": path}


RECONSTRUCT = Constrained("kl", subject_to=at_least("expected_log_likelihood", -18.0))
RATE = Constrained(maximise="expected_log_likelihood", subject_to=at_most("kl", 12.0))
BOUND = Constrained("kl", subject_to=at_least("elbo", -30.0))
OWN = Constrained("kl", subject_to=at_most(lambda s: s["kl"] ** 2, 100.0))


@pytest.mark.parametrize(
    ("objective", "held_out", "value", "violation"),
    [
        (RECONSTRUCT, terms(-18.37, 5.0), -18.37, 0.37),
        (RECONSTRUCT, terms(-17.0, 5.0), -17.0, -1.0),
        (RATE, terms(-80.0, 12.5), 12.5, 0.5),
        (RATE, terms(-80.0, 11.0), 11.0, -1.0),
        (BOUND, terms(-27.0, 4.0), -31.0, 1.0),
        (OWN, terms(-80.0, 10.5), 110.25, 10.25),
    ],
)
def test_held_out_examples_are_judged_by_themselves(objective, held_out, value, violation):
    training, test = constraint_checks(objective, history(-0.01), {"test": held_out})
    assert training.met
    assert (test.value, test.violation) == pytest.approx((value, violation))
    assert test.met == (violation < 0)
    assert test.to_json()["met"] == test.met
    said = sentences([training, test])
    assert len(said) == 1
    assert ("missed by" in said[0]) == (violation > 0)
    assert f"{value:.3f} on the test split" in said[0]


def test_training_leaves_a_violation_and_held_out_examples_none():
    small = 0.05  # 0.3 % of the bound
    training, test = constraint_checks(RECONSTRUCT, history(small), {"test": terms(-18.0 - small, 5.0)})
    assert (training.met, test.met) == (True, False)
    assert training.tolerated
    assert test.tolerated
    assert "met to within 0.3%" in training.words
    assert "missed by 0.050" in test.words


def test_rounding_is_no_violation():
    assert constraint_checks(RECONSTRUCT, {}, {"test": terms(-18.0 - 1e-6, 5.0)})[0].words.endswith("(met)")


def test_several_constraints_are_told_apart():
    both = Constrained(maximise="elbo", subject_to=(at_least("expected_log_likelihood", -18.0), at_most("kl", 5.0)))
    held_out = {"validation": terms(-17.0, 6.0), "test": terms(-19.0, 4.0)}
    checks = constraint_checks(both, history(-1.0, 2.0), held_out)
    assert [(c.constraint, c.split, c.met) for c in checks] == [
        ("expected_log_likelihood>=-18", "training", True),
        ("expected_log_likelihood>=-18", "validation", True),
        ("expected_log_likelihood>=-18", "test", False),
        ("kl<=5", "training", False),
        ("kl<=5", "validation", False),
        ("kl<=5", "test", True),
    ]
    assert [line.partition(":")[0] for line in sentences(checks)] == ["expected_log_likelihood>=-18", "kl<=5"]


def test_without_constraints_there_is_nothing_to_say():
    assert constraint_checks(Elbo(), {"elbo": np.zeros(10)}, {"test": terms(0.0, 0.0)}) == []
