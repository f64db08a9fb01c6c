"""Numbers of an objective are traced: a sweep compiles once, and none of them is ever learned."""

import equinox as eqx
import jax
import numpy as np
import pytest

from taut.core.trees import describe
from taut.errors import ArgumentError
from taut.objectives import AugmentedLagrangian, Constrained, FreeBits, Multiplicative, Weighted, at_least, at_most
from taut.results.specs import build, spec

STATISTICS = {"expected_log_likelihood": -81.0, "kl": 20.0, "kl_per_dimension": np.array([0.1, 2.0])}


def below(bound, rule=None):
    return Constrained("kl", subject_to=(at_least("expected_log_likelihood", bound), at_least("elbo", -120)), rule=rule)


SWEEPS = {
    "beta": [Weighted(beta) for beta in (0, 0.5, 4.0, np.float32(2.0))],
    "nats": [FreeBits(nats) for nats in (0.25, 1)],
    "bound": [below(bound) for bound in (-80, -99.5, 0.0)],
    "augmented Lagrangian": [below(-80, AugmentedLagrangian(s, p)) for s, p in ((0.02, 1.0), (0.2, 2.0))],
    "multiplicative": [below(-80, Multiplicative(s)) for s in (0.02, 0.2)],
}

FELT_LATER = ("augmented Lagrangian",)
"""A rule that waits: its step changes nothing in the first value."""


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_is_one_compilation_of_the_right_values(name):
    traced = []

    @eqx.filter_jit
    def compiled(objective, statistics):
        traced.append(objective)
        memory = objective.update(objective.init(), statistics, 0)
        return objective.value(statistics, memory, 1), objective.shown(memory, statistics, 1)

    found = [compiled(objective, STATISTICS) for objective in SWEEPS[name]]
    assert len(traced) == 1
    with jax.disable_jit():
        by_hand = [compiled(objective, STATISTICS) for objective in SWEEPS[name]]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(by_hand), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    if name not in FELT_LATER:
        assert len({float(value) for value, _ in found}) == len(found)


@pytest.mark.parametrize("name", FELT_LATER)
def test_a_rules_step_is_felt_in_the_end(name):
    statistics = {key: np.asarray(value, np.float32) for key, value in STATISTICS.items()}

    @jax.jit
    def after(objective):
        start = jax.tree.map(jax.numpy.asarray, objective.init())
        return jax.lax.fori_loop(0, 500, lambda step, memory: objective.update(memory, statistics, step), start)

    ends = [after(objective) for objective in SWEEPS[name]]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(ends))
    assert any((a != b).any() for a, b in zip(*map(jax.tree.leaves, ends), strict=True))


@pytest.mark.parametrize("name", SWEEPS)
def test_they_compare_print_and_save_as_numbers(name):
    first, second, *_ = SWEEPS[name]
    assert first != second
    assert build(spec(first)) == first
    assert describe(build(spec(second))) == describe(second) != describe(first)


def test_a_number_is_written_plainly():
    assert Weighted(np.float32(0.5)).name == "beta=0.5"
    assert str(at_most("kl", 12)) == "kl<=12"
    with pytest.raises(ArgumentError, match=r"Weighted\(beta=-1\.0\)"):
        Weighted(-1)
    with pytest.raises(ArgumentError, match=r"Weighted\(beta='4'\)"):
        Weighted("4")
    with pytest.raises(ArgumentError, match="received nan"):
        at_most("kl", float("nan"))


def test_a_bound_of_zero_is_measured_in_its_own_units():
    assert at_least("elbo", 0).scale == 1
    assert at_least("elbo", -2.5).scale == 2.5
