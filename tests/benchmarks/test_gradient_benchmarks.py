"""The benchmarks of gradient estimators: peers by hand are the same estimators, the case study is as published."""

import json

import jax
import numpy as np
import pytest


def test_each_sampled_estimator_has_a_peer_by_hand(bench):
    from taut.gradients import estimators

    with jax.enable_x64(True):
        found = bench("gradients").problems()
    assert {g.name for g in estimators()} - {p.gradient.name for p, *_ in found} == {"exact", "enumeration"}
    labels = {g.label for g in estimators()} - {"exact", "enumeration"}
    assert labels <= {p.gradient.label for p, *_ in found}


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_by_hand_is_the_same_gradient_digit_by_digit(bench):
    race = bench("gradients")
    for problem, parent, hand, parameters in race.problems():
        taut = jax.jit(race.taut_slope(problem, parent))
        ours, theirs = problem.gradient.init(race.statistics_like(problem, np.dtype("float64"))), hand.memory
        by_hand = jax.jit(hand.slope)
        for key in jax.random.split(jax.random.key(3), 3):  # memories take part from the second on
            slope, ours = taut(key, ours)
            other, theirs = by_hand(problem.gradient.noise(key, problem.family), parameters, theirs)
            flat = [np.concatenate([np.ravel(a) for a in jax.tree.leaves(x)]) for x in (slope, other)]
            np.testing.assert_allclose(
                flat[0], flat[1], rtol=0, atol=1e-11 * np.abs(flat[0]).max(), err_msg=problem.gradient.label
            )


def test_the_case_studys_configuration_can_be_run(bench):
    study = bench("case_study")
    configuration = json.loads(study.CONFIGURATION.read_text())
    figures = study.runs(configuration)
    assert {run.samples for run in figures["fifty draws"]} == {50}
    for which in figures.values():
        for run in which:
            assert study.estimator(run.estimator, run.samples).samples == run.samples


def test_the_case_studys_judge_knows_the_anchors(bench):
    study = bench("case_study").Study({"seed": 0})

    def one(a):
        return np.asarray(a)[None]

    elbo, accuracy = study._judged(jax.tree.map(one, study.start))
    assert elbo[0] == pytest.approx(-1226.592482, abs=1e-4)
    assert accuracy[0] == pytest.approx(0.5)


@pytest.mark.slow
def test_the_published_orderings_hold_in_a_short_run(bench):
    """Orders that lie far apart, at a fixed seed: the closest are the ELBOs of delta and pathwise."""
    study = bench("case_study")
    configuration = json.loads(study.CONFIGURATION.read_text()) | {"steps": 2000, "looks": 40, "repeats": 100}
    common = configuration["common"]
    needed = [study.Run(**(common | line)) for line in configuration["figures"]["fifty draws"]]
    needed += [
        study.Run(**(common | {"estimator": name, "samples": 5, "rate": rate}))
        for name, rate in (("score", 1e-3), ("score", 1e-4), ("pathwise", 1e-3))
    ]
    lab = study.Study(configuration)
    outcomes = {run: lab.outcome(run) for run in needed}
    seen = study.orderings(outcomes, common, near=0.3)
    assert [sentence for sentence, holds in seen if not holds] == []
    assert len(study.table(outcomes, needed).splitlines()) == 1 + len(needed)
