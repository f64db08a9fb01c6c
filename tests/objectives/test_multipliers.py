"""The rules' arithmetic, step by step, against the same rules in plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut import objectives
from taut.core.parts import public
from taut.errors import ArgumentError
from taut.objectives import AugmentedLagrangian, GradientAscent, Multiplicative, ProportionalIntegral, Rule

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)


def path(rule, violations):
    """lambda and the coefficient after each step."""

    def one(memory, violation):
        memory = rule.update(memory, violation[None])
        return memory, jnp.stack([memory.value[0], rule.coefficient(memory)[0]])

    return np.asarray(jax.jit(lambda v: jax.lax.scan(one, rule.init(1), v)[1])(jnp.asarray(violations)))


def test_gradient_ascent_adds_the_clipped_violation_and_stays_positive():
    found = path(GradientAscent(step=0.5), [0.4, 7.0, -0.6, -9.0, -9.0])[:, 0]
    np.testing.assert_allclose(found, [1.2, 1.7, 1.4, 0.9, 0.4])
    assert path(GradientAscent(step=0.5), [-9.0] * 5)[-1, 0] == 0


def test_the_published_rule_multiplies_by_the_lagging_average():
    violations, average, value, by_hand = RNG.normal(size=30), None, 1.0, []
    for c in violations:
        average = c if average is None else 0.99 * average + 0.01 * c
        value *= np.exp(0.1 * average)
        by_hand.append(value)
    np.testing.assert_allclose(path(Multiplicative(step=0.1), violations)[:, 0], by_hand)


def test_proportional_integral_answers_to_the_change():
    violations, average, value, by_hand = 0.3 * RNG.normal(size=30), None, 1.0, []
    for c in violations:
        before = average
        average = c if before is None else 0.9 * before + 0.1 * c
        value = max(value + 0.01 * (np.clip(c, -1, 1) + 5 * (0 if before is None else average - before)), 0)
        by_hand.append(value)
    found = path(ProportionalIntegral(step=0.01, proportional=5.0), violations)[:, 0]
    np.testing.assert_allclose(found, by_hand)


def augmented(violations, step=0.02, penalty=0.5):
    """The default rule once more, in NumPy."""
    value, recent, smoothed, variance, crossings, seen = 1.0, None, None, 0.0, 0, []
    for steps, c in enumerate(violations, 1):
        if recent is None:
            recent = smoothed = c
        else:
            variance = 0.99 * variance + 0.01 * (c - recent) ** 2
            old, recent, smoothed = smoothed, 0.9 * recent + 0.1 * c, 0.99 * smoothed + 0.01 * c
            crossings += old * smoothed < 0 and variance > 0.02**2
        spread = max(np.sqrt(variance), 0.02)
        ahead = recent + 300 / (1 + crossings) * (recent - smoothed) / 90
        left = recent
        if abs(recent) > spread / 4:
            left = 0.0 if recent * ahead < 0 else np.sign(recent) * min(abs(recent), abs(ahead))
        z = left / spread if steps >= 100 else 0.0
        value = np.clip(value * np.exp(step / (1 + crossings + 10 * step) * np.clip(z, -1, 1)), 1e-3, 1e6)
        seen.append((value, value * np.exp(penalty * np.clip(z, -3, 3))))
    return np.array(seen)


def test_the_default_rule_by_hand():
    falling = 2 * np.exp(-np.arange(150) / 30) - 0.1 + 0.1 * RNG.normal(size=150)
    violations = np.concatenate([falling, 0.1 * RNG.normal(size=150), [0.5] * 50])
    np.testing.assert_allclose(path(AugmentedLagrangian(), violations), augmented(violations))


def test_a_violation_that_closes_by_itself_is_left_to_close():
    closing = 3 * np.exp(-np.arange(300) / 200)
    np.testing.assert_array_equal(path(AugmentedLagrangian(), closing), 1.0)
    assert path(Multiplicative(), closing)[-1, 0] > 10


def test_a_violation_that_stays_is_acted_upon():
    found = path(AugmentedLagrangian(), [0.5] * 200)
    np.testing.assert_array_equal(found[:99], 1.0)  # until the averages have filled
    np.testing.assert_allclose(found[-1, 0], np.exp(0.02 / 1.2 * 101))
    np.testing.assert_allclose(found[99:, 1], found[99:, 0] * np.exp(1.5))


def test_no_step_is_faster_than_its_answer():
    moves = np.diff(np.log(path(AugmentedLagrangian(step=1e6), [0.5] * 200)[:, 0]))
    assert moves.max() == pytest.approx(0.1)


def test_the_step_shrinks_by_crossings():
    noise = 0.1 * RNG.normal(size=4000)
    moves = np.abs(np.diff(np.log(path(AugmentedLagrangian(step=0.02), noise)[:, 0])))
    assert 0 < moves[-400:].mean() < 0.05 * moves[100:200].mean()


def test_violations_are_measured_in_their_own_spread():
    noise = 0.3 + RNG.normal(size=500)
    np.testing.assert_allclose(path(AugmentedLagrangian(), noise), path(AugmentedLagrangian(), 40 * noise))


def test_a_slack_constraints_multiplier_can_come_back():
    found = path(AugmentedLagrangian(), [-5.0] * 3000 + [0.5] * 800)[:, 0]
    assert found[2999] == pytest.approx(1e-3)
    assert found[-1] > 1


def test_several_constraints_move_apart():
    rule, memory = AugmentedLagrangian(), AugmentedLagrangian().init(2)
    for _ in range(120):
        memory = rule.update(memory, jnp.array([0.5, -0.5]))
    np.testing.assert_allclose(memory.value[0] * memory.value[1], 1.0)
    assert memory.value[0] > 1


@pytest.mark.parametrize("rule", public(objectives, Rule))
@pytest.mark.parametrize("wrong", [{"step": 0.0}, {"step": float("nan")}, {"start": -1.0}, {"start": float("inf")}])
def test_nonsense_is_refused(rule, wrong):
    with pytest.raises(ArgumentError):
        rule(**wrong)


@pytest.mark.parametrize("rule", [AugmentedLagrangian, Multiplicative])
def test_a_rule_by_factors_cannot_start_at_zero(rule):
    with pytest.raises(ArgumentError, match="start"):
        rule(start=0.0)
