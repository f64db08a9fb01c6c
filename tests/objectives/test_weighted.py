"""beta, annealing and both published forms of free bits, against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.errors import ArgumentError
from taut.objectives import Draws, FreeBits, Linear, Weighted

TERMS = {"expected_log_likelihood": -80.0, "kl": 20.0}
KL = np.array([[0.1, 0.9, 0.0], [0.7, 2.0, 0.2], [0.3, 1.0, 0.1], [1.1, 3.0, 0.4]])  # [examples, dimensions]
LIKELIHOOD = np.array([[-3.0, -5.0], [-2.0, -2.5], [-7.0, -6.0], [-1.0, -4.0]])  # [examples, draws]


@pytest.mark.parametrize(("beta", "value"), [(0.0, -80.0), (0.5, -90.0), (1.0, -100.0), (4.0, -160.0)])
def test_beta_weighs_the_kl_alone(beta, value):
    assert Weighted(beta).value(TERMS, (), 0) == value
    assert Weighted(beta).shown((), TERMS, 0) == {}


def test_an_annealed_weight_follows_the_step_and_is_shown():
    objective = Weighted(Linear(10))
    assert [float(objective.value(TERMS, (), step)) for step in (0, 5, 10, 50)] == [-80.0, -90.0, -100.0, -100.0]
    assert float(objective.shown((), TERMS, 5)["beta"]) == 0.5
    assert objective.name == "annealed"


@pytest.mark.parametrize("beta", [-1.0, float("nan"), float("inf"), "4", None])
def test_a_senseless_beta_is_refused(beta):
    with pytest.raises(ArgumentError, match="finite number of at least 0"):
        Weighted(beta)


def averaged(objective):
    zero = jnp.zeros(2)
    draws = [Draws(jnp.asarray(e), zero, zero, zero, jnp.sum(k), k) for e, k in zip(LIKELIHOOD, jnp.asarray(KL))]  # noqa: B905
    return jax.tree.map(lambda *s: jnp.mean(jnp.stack(s), 0), *[objective.statistics(d) for d in draws])


def brute_force(form, nats):
    """The formulas, one loop each."""
    likelihood = LIKELIHOOD.mean()
    if form == "batch":
        return likelihood - sum(max(nats, KL[:, j].mean()) for j in range(3))
    return likelihood - np.mean([sum(max(nats, KL[i, j]) for j in range(3)) for i in range(4)])


@pytest.mark.parametrize("nats", [0.0, 0.25, 0.5, 5.0])
@pytest.mark.parametrize("form", ["batch", "example"])
def test_free_bits_by_brute_force(form, nats):
    objective = FreeBits(nats, form)
    np.testing.assert_allclose(objective.value(averaged(objective), (), 0), brute_force(form, nats), rtol=1e-6)


def test_the_two_forms_differ_and_are_named_apart():
    assert brute_force("batch", 0.5) != brute_force("example", 0.5)
    names = [FreeBits(0.5, form).name for form in ("batch", "example")]
    assert names == ["free-bits-batch=0.5", "free-bits-example=0.5"]


@pytest.mark.parametrize("form", ["batch", "example"])
def test_the_reported_kl_is_never_the_clamped_one(form):
    np.testing.assert_allclose(averaged(FreeBits(5.0, form))["kl"], KL.sum(1).mean(), rtol=1e-6)


def test_no_free_bits_are_the_elbo():
    for form in ("batch", "example"):
        np.testing.assert_allclose(brute_force(form, 0.0), LIKELIHOOD.mean() - KL.sum(1).mean())


def test_a_dimension_under_its_allowance_has_no_gradient():
    slope = jax.grad(lambda k: FreeBits(0.5).value({**TERMS, "kl_per_dimension": k}, (), 0))(jnp.array([0.2, 0.8]))
    np.testing.assert_array_equal(slope, [0.0, -1.0])


@pytest.mark.parametrize("wrong", [{"nats": -0.1}, {"nats": float("nan")}, {"form": "sample"}])
def test_senseless_free_bits_are_refused(wrong):
    with pytest.raises(ArgumentError, match="nats of at least 0"):
        FreeBits(**wrong)
