"""The Rényi bounds: what they are at the orders that are known, and their order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.objectives import Draws, Elbo, ImportanceWeighted, Renyi

pytestmark = pytest.mark.usefixtures("x64")
# q = N(0, 1) and p(x, z) = c N(z; m, 1): log p(x) is log c, and the bound by infinitely many draws is
# log c - alpha m^2 / 2, the Rényi divergence between two normals of equal variance.
LOG_C, M = -1.3, 0.6


def draws(K, seed=0):
    z = np.random.default_rng(seed).normal(size=K)

    def log_normal(z):
        return -0.5 * z**2 - 0.5 * np.log(2 * np.pi)

    log_q, log_p = log_normal(z), LOG_C + log_normal(z - M)
    return Draws(log_p, np.zeros(K), log_q, log_q, np.zeros(()))


def bound(objective, draws):
    return float(objective.value(objective.statistics(draws), (), 0))


def test_order_zero_is_the_importance_weighted_bound():
    np.testing.assert_allclose(bound(Renyi(0.0), draws(7)), bound(ImportanceWeighted(), draws(7)), rtol=1e-13)


def test_one_draw_is_the_elbo_whatever_the_order():
    for alpha in (-1.0, 0.5, 3.0):
        np.testing.assert_allclose(bound(Renyi(alpha), draws(1)), bound(Elbo(), draws(1)), rtol=1e-13)


def test_close_to_order_one_is_the_elbo():
    np.testing.assert_allclose(bound(Renyi(1 + 1e-7), draws(9)), bound(Elbo(), draws(9)), rtol=1e-6)


def test_it_falls_with_the_order_draw_by_draw():
    values = [bound(Renyi(alpha), draws(11)) for alpha in (-2.0, 0.0, 0.5, 2.0, 5.0)]
    assert np.all(np.diff(values) < 0)


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.5, 2.0])
def test_many_draws_give_the_divergence_in_closed_form(alpha):
    # By nodes of q in place of draws: 20,000 equally likely quantiles.
    z = np.asarray(jax.scipy.special.ndtri((np.arange(20_000) + 0.5) / 20_000))

    def log_normal(z):
        return -0.5 * z**2 - 0.5 * np.log(2 * np.pi)

    many = Draws(LOG_C + log_normal(z - M), np.zeros(z.size), log_normal(z), np.zeros(z.size), np.zeros(()))
    np.testing.assert_allclose(bound(Renyi(alpha), many), LOG_C - alpha * M**2 / 2, atol=2e-4)


def test_far_log_weights_are_no_trouble():
    zero = jnp.zeros(2)
    found = bound(Renyi(0.5), Draws(jnp.array([-4000.0, -4002.0]), zero, zero, zero, zero[0]))
    np.testing.assert_allclose(found, -4000 + 2 * np.log((1 + np.exp(-1)) / 2), rtol=1e-12)


def test_what_it_offers():
    assert Renyi(0.5).offers == {Capability.LOG_WEIGHTS}
    assert not Renyi(0.5).closed_kl
    assert Renyi(0.5).name == "renyi=0.5"


@pytest.mark.parametrize("alpha", [1, 1.0, np.inf, np.nan, "0.5", None])
def test_senseless_orders_are_refused(alpha):
    with pytest.raises(ArgumentError, match="finite order other than 1"):
        Renyi(alpha)
