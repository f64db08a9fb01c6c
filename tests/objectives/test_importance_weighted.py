"""The importance-weighted bound: equal to the ELBO at K = 1, rising in K, and below log p(x)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.families import MeanField
from taut.gradients.evaluate import evaluate
from taut.models import LogDensity, real
from taut.models.target import Target
from taut.objectives import Draws, Elbo, ImportanceWeighted

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(3)
# z ~ N(0, 1), x | z ~ N(z, 1), x = 1.4: log p(x) = log N(x; 0, 2); q is not the posterior N(0.7, 1/2).
X = 1.4
LOG_MARGINAL = -0.5 * np.log(2 * np.pi * 2) - 0.25 * X**2
MODEL = LogDensity(lambda v: -0.5 * (v["z"] ** 2 + (X - v["z"]) ** 2) - np.log(2 * np.pi), parameters={"z": real()})
Q = MeanField(np.array([0.2]), np.array([-0.1]))
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def draws_of(noise):
    target = Target(MODEL, np.zeros((1, 0)), np.ones(1), np.ones(()))
    return evaluate(target, Q, jax.vmap(Q.sample)(noise), frozenset())


def expected_bound(K):
    """L_K by quadrature over all K draws."""
    grid = np.stack(np.meshgrid(*[NODES] * K, indexing="ij"), -1).reshape(-1, K, 1)
    weights = np.prod(np.stack(np.meshgrid(*[WEIGHTS] * K, indexing="ij"), -1).reshape(-1, K), -1)
    objective = ImportanceWeighted()
    bound = jax.jit(jax.vmap(lambda e: objective.value(objective.statistics(draws_of(e)), (), 0)))
    return float(weights @ bound(grid))


def test_one_draw_is_the_elbo_draw_by_draw():
    noise = RNG.normal(size=(20, 1, 1))
    elbo, bound = Elbo(), ImportanceWeighted()

    def value(o):
        return jax.jit(jax.vmap(lambda e: o.value(o.statistics(draws_of(e)), (), 0)))(noise)

    np.testing.assert_allclose(value(bound), value(elbo), rtol=1e-12)


def test_the_bound_rises_with_the_draws_towards_the_log_marginal():
    bounds = [expected_bound(K) for K in (1, 2, 3, 4)]
    assert np.all(np.diff(bounds) > 0.01)
    assert bounds[-1] < LOG_MARGINAL
    # L_1 in closed form: log p(x) - KL(q || posterior).
    mean, variance = 0.2, np.exp(-0.2)
    kl = 0.5 * (variance / 0.5 + (mean - X / 2) ** 2 / 0.5 - 1 + np.log(0.5 / variance))
    np.testing.assert_allclose(bounds[0], LOG_MARGINAL - kl, rtol=1e-8)


def test_the_value_is_the_log_mean_of_the_weights_by_hand():
    likelihood, prior, log_q = RNG.normal(size=(3, 5))
    draws = Draws(*map(jnp.asarray, (likelihood, prior, log_q)), jnp.zeros(5), jnp.zeros(()))
    by_hand = np.log(np.mean(np.exp(likelihood + prior - log_q)))
    np.testing.assert_allclose(ImportanceWeighted().statistics(draws)["bound"], by_hand)


def test_log_weights_of_minus_a_thousand_are_no_trouble_in_single_precision():
    low = jnp.array([-1000.0, -1001.0], jnp.float32)
    zero = jnp.zeros(2, jnp.float32)
    bound = ImportanceWeighted().statistics(Draws(low, zero, zero, zero, zero[0]))["bound"]
    np.testing.assert_allclose(bound, -1000 + np.log((1 + np.exp(-1)) / 2), rtol=1e-6)


def test_the_kl_is_never_closed_in_it():
    assert not ImportanceWeighted().closed_kl
