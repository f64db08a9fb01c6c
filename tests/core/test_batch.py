"""Units: one bookkeeping for models whose rows share one z and for those whose rows have one each."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taut.core.batch import Batch, units
from taut.core.capabilities import Capability
from taut.data.source import Source, padded_size, take
from taut.families import Family
from taut.gradients import LeaveOneOut, Reinforce, Reparametrization
from taut.models import Model, Normal, Prior
from taut.objectives import Elbo
from taut.problem import Problem, estimate, trainable

pytestmark = pytest.mark.usefixtures("x64")
SLOPE, NOISE_SD = 1.5, 0.7


class LinearGaussian(Model):
    """x_r = slope z_r + noise with z_r ~ N(0, 1): the smallest model with one z for each row, and all of it known."""

    slope: Any
    name: ClassVar[str] = "linear-Gaussian"
    local: ClassVar[bool] = True
    prior: Prior = Normal(0.0, 1.0)

    @property
    def offers(self):
        return frozenset({Capability.DIFFERENTIABLE}) | self.prior.offers

    def learned(self):
        return ("slope",)

    def dim(self, rows):
        return 1

    def log_likelihood(self, z, rows):
        x = rows[:, 0]
        return -0.5 * ((x - self.slope * z[0]) / NOISE_SD) ** 2 - np.log(NOISE_SD) - 0.5 * np.log(2 * np.pi)


class LinearEncoder(Family):
    """q(z|x) = N(gain x, sd^2). It offers no closed entropy: at the posterior its ELBO is then exact draw by draw."""

    gain: Any
    log_sd: Any
    name: ClassVar[str] = "linear encoder"
    dim: ClassVar[int] = 1

    @property
    def offers(self):
        return frozenset({Capability.REPARAMETRISED})

    def at(self, rows):
        return Conditional(self.gain * rows[0], self.log_sd)


class Conditional(LinearEncoder):
    """The member for one x; `gain` is its mean."""

    def noise(self, key):
        return jax.random.normal(key, (1,), self.gain.dtype)

    def sample(self, noise):
        return self.gain + jnp.exp(self.log_sd) * noise

    def log_prob(self, z):
        return jnp.sum(-0.5 * ((z - self.gain) * jnp.exp(-self.log_sd)) ** 2 - self.log_sd - 0.5 * np.log(2 * np.pi))


PRECISION = 1 + (SLOPE / NOISE_SD) ** 2
POSTERIOR = LinearEncoder(np.array(SLOPE / NOISE_SD**2 / PRECISION), np.array(-0.5 * np.log(PRECISION)))
X = np.array([[0.3], [-2.0], [1.1], [0.0], [4.0]])
LOG_MARGINAL = -0.5 * X[:, 0] ** 2 / (SLOPE**2 + NOISE_SD**2) - 0.5 * np.log(2 * np.pi * (SLOPE**2 + NOISE_SD**2))


def problem(gradient=None, family=POSTERIOR):
    return Problem(LinearGaussian(np.array(SLOPE)), family, Elbo(), gradient or Reparametrization(samples=3))


def batch(rows=X, weights=None, total=5):
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, float)
    return Batch(rows, weights, np.float64(len(rows)), np.float64(total))


run = jax.jit(lambda problem, key, batch: estimate(problem, key, batch, ())[0])


def elbo(problem, batch, seed=0):
    statistics = run(problem, jax.random.key(seed), batch)
    return float(statistics["expected_log_likelihood"] - statistics["kl"])


@pytest.mark.parametrize("gradient", [Reparametrization(samples=3), Reinforce(samples=3, control=LeaveOneOut())])
def test_latent_variables_are_counted_in_nats_per_example(gradient):
    # At the posterior log p(x, z) - log q(z|x) = log p(x) for every z: no draw makes any noise.
    np.testing.assert_allclose(elbo(problem(gradient), batch()), LOG_MARGINAL.mean(), rtol=1e-12)


def test_rows_of_the_parent_do_not_scale_an_average():
    assert elbo(problem(), batch(total=5)) == elbo(problem(), batch(total=5000))


def test_padding_rows_are_not_seen():
    padded = np.concatenate([X[:3], [[1e6], [0.0]]])
    np.testing.assert_allclose(elbo(problem(), batch(padded, [1, 1, 1, 0, 0])), LOG_MARGINAL[:3].mean(), rtol=1e-12)


def test_a_weight_of_two_is_a_row_given_twice():
    weighted = elbo(problem(), batch(weights=[2, 1, 0, 1, 1]))
    np.testing.assert_allclose(weighted, elbo(problem(), batch(X[[0, 0, 1, 3, 4]])), rtol=1e-12)
    np.testing.assert_allclose(weighted, np.average(LOG_MARGINAL, weights=[2, 1, 0, 1, 1]), rtol=1e-12)


@pytest.mark.slow
def test_units_together_are_the_average_of_units_alone():
    # The units' keys are split from the step's, so each unit can be had by itself with the surrogate.
    family = LinearEncoder(np.array(0.2), np.array(-0.3))
    mine = problem(Reparametrization(samples=4), family)
    key = jax.random.key(5)

    def loss(problem):
        statistics, _ = estimate(problem, key, batch(weights=[1, 2, 0, 1, 1]), ())
        return statistics["expected_log_likelihood"] - statistics["kl"]

    def alone(problem):
        shares = np.array([1, 2, 0, 1, 1]) / 5
        noise = [problem.gradient.noise(k, family.at(X[:1])) for k in jax.random.split(key, 5)]
        total = 0.0
        for share, x, e in zip(shares, X[:, 0], noise, strict=True):
            z = (problem.family.gain * x + jnp.exp(problem.family.log_sd) * e)[:, 0]
            likelihood = jax.vmap(lambda z, x=x: problem.model.log_likelihood(z[None], np.array([[x]]))[0])(z)
            prior = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
            q = -0.5 * e[:, 0] ** 2 - problem.family.log_sd - 0.5 * np.log(2 * np.pi)
            total += share * jnp.mean(likelihood + prior - q)
        return total

    together, apart = jax.jit(jax.value_and_grad(loss))(mine), jax.jit(jax.value_and_grad(alone))(mine)
    np.testing.assert_allclose(together[0], apart[0], rtol=1e-12)
    moving = [eqx.filter(slope, trainable(mine)) for _, slope in (together, apart)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10), *moving)


def test_model_and_encoder_both_move_and_nothing_else():
    spec = trainable(problem())
    assert (spec.model.slope, spec.family.gain, spec.family.log_sd) == (True, True, True)
    assert sum(jax.tree.leaves(spec)) == 3


def test_model_variables_are_one_unit_scaled_to_the_parent():
    cut = units(False, batch(X[:2], [1.0, 3.0], total=10))
    assert cut.rows.shape == (1, 2, 1)
    np.testing.assert_array_equal(cut.weights, [[1, 3]])
    np.testing.assert_array_equal(cut.scale, [5])
    np.testing.assert_array_equal(cut.share, [1])


def test_latent_variables_are_a_unit_a_row():
    cut = units(True, batch(X[:2], [1.0, 3.0], total=10))
    assert cut.rows.shape == (2, 1, 1)
    np.testing.assert_array_equal(cut.weights, [[1], [1]])
    np.testing.assert_array_equal(cut.scale, [1, 1])
    np.testing.assert_array_equal(cut.share, [0.25, 0.75])


@pytest.mark.parametrize("n", [1, 2, 9, 17, 100, 569, 4097])
def test_padding_is_at_most_an_eighth_and_has_no_weight(n):
    source = Source(np.ones((n, 2)), np.full(n, 2.0))
    size = padded_size(n)
    assert n <= size <= n * 9 / 8 + 1
    assert source.parent.rows.shape == (size, 2)
    assert source.parent.weights.sum() == 2 * n
    assert not source.parent.weights[n:].any()
    assert source.parent.size == source.parent.total == n


@given(st.integers(1, 2**31))
def test_padded_sizes_are_enough_and_padded_already(n):
    size = padded_size(n)
    assert n <= size <= n * 9 / 8 + 1
    assert padded_size(size) == size
    assert padded_size(n + 1) >= size


def test_few_padded_sizes():
    assert len({padded_size(n) for n in range(512, 1024)}) <= 9


def test_a_minibatch_remembers_its_parent():
    source = Source(np.arange(10.0), np.arange(10.0) + 1, batch_size=4)
    picked = take(source.parent, np.array([7, 0, 3, 9], np.int32))
    np.testing.assert_array_equal(picked.rows, [7, 0, 3, 9])
    np.testing.assert_array_equal(picked.weights, [8, 1, 4, 10])
    assert (picked.size, picked.total) == (4, 10)
    whole = take(source.parent, np.zeros(0, np.int32))  # no numbers stand for all rows
    jax.tree.map(np.testing.assert_array_equal, whole, source.parent)


def test_within_an_epoch_no_row_is_seen_twice():
    source = Source(np.arange(23.0), batch_size=5, seed=3)
    assert source.steps_per_epoch == 4
    epochs = source.plan(0, 40).reshape(10, 20)
    assert all(np.unique(epoch).size == 20 for epoch in epochs)
    # The three rows that are left out are others each time, and so is the order.
    left_out = [frozenset(range(23)) - set(epoch.tolist()) for epoch in epochs]
    assert len(set(left_out)) > 5
    assert not np.array_equal(epochs[0], epochs[1])
    whole = Source(np.arange(20.0), batch_size=5).plan(0, 4)
    np.testing.assert_array_equal(np.sort(whole.ravel()), np.arange(20))


@pytest.mark.parametrize("resident", [True, False])
def test_a_block_holds_the_rows_of_its_steps_and_stays_where_it_is(resident):
    source = Source(np.arange(23.0), np.arange(23.0) + 1, batch_size=5, seed=3, resident=resident)
    for number in (0, 1, 5):
        parent, plan = source.block(number, 7)
        again = source.block(number, 7)
        assert again[0] is parent
        assert again[1] is plan
        rows = np.asarray(parent.rows)[np.asarray(plan)]
        np.testing.assert_array_equal(rows, source.plan(7 * number, 7))
        np.testing.assert_array_equal(np.asarray(parent.weights)[np.asarray(plan)], rows + 1)


def test_the_order_is_a_function_of_seed_and_step_alone():
    source = Source(np.arange(23.0), batch_size=5, seed=3)
    np.testing.assert_array_equal(source.plan(0, 30)[7:19], source.plan(7, 12))
    np.testing.assert_array_equal(source.plan(0, 30), Source(np.zeros(23), batch_size=5, seed=3).plan(0, 30))
    assert not np.array_equal(source.plan(0, 30), Source(np.zeros(23), batch_size=5, seed=4).plan(0, 30))
