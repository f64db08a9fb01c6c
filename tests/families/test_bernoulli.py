"""The Bernoulli family by enumeration, and amortised families against their members."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.errors import ArgumentError
from taut.families import Amortized, Bernoulli, MeanField

pytestmark = pytest.mark.usefixtures("x64")
OUTCOMES = np.array(list(itertools.product([0.0, 1.0], repeat=3)))


@pytest.fixture
def q():
    return Bernoulli(jnp.array([-1.2, 0.3, 2.0]))


def test_its_moments_and_entropy_are_those_of_the_outcomes(q):
    log_q = jax.vmap(q.log_prob)(OUTCOMES)
    weight = np.exp(log_q)
    np.testing.assert_allclose(weight.sum(), 1, rtol=1e-14)
    np.testing.assert_allclose(weight @ OUTCOMES, q.mean, rtol=1e-14)
    np.testing.assert_allclose(weight @ OUTCOMES**2 - (weight @ OUTCOMES) ** 2, q.variance, rtol=1e-12)
    np.testing.assert_allclose(-weight @ log_q, q.entropy(), rtol=1e-14)
    np.testing.assert_allclose(q.entropies().sum(), q.entropy(), rtol=1e-14)


def test_a_draw_is_one_below_its_probability(q):
    p = np.asarray(q.mean)
    np.testing.assert_array_equal(q.sample(p - 1e-9), 1)
    np.testing.assert_array_equal(q.sample(p + 1e-9), 0)


def test_extreme_logits_stay_finite():
    q = Bernoulli(jnp.array([-1e4, 1e4]))
    assert np.isfinite([q.entropy(), q.log_prob(jnp.array([0.0, 1.0])), q.log_prob(jnp.array([1.0, 0.0]))]).all()


def test_an_amortised_family_is_its_member_at_each_example():
    def encoder(x):
        return jnp.concatenate([2 * x, x - 1])

    x = jnp.array([0.5, -0.2])
    member = Amortized(encoder).at(x[None])
    assert isinstance(member, MeanField)
    np.testing.assert_allclose(member.mean, 2 * x)
    np.testing.assert_allclose(member.log_sd, 7 * np.tanh((x - 1) / 7))
    np.testing.assert_allclose(Amortized(lambda x: 3 * x, "bernoulli").at(x[None]).logits, 3 * x)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_no_input_overflows_the_scale(size):
    member = Amortized(lambda x: jnp.concatenate([x, size * jnp.ones(2)])).at(jnp.zeros((1, 2)))
    assert np.isfinite([member.entropy(), member.log_prob(jnp.ones(2))]).all()
    assert np.exp(-7.01) < float(jnp.exp(member.log_sd[0])) < np.exp(7.01)


def test_an_encoder_of_the_wrong_size_is_refused_with_both_sizes():
    with pytest.raises(ArgumentError, match=r"shape \(3,\).*needs.*shape \(4,\)"):
        Amortized(lambda x: x[:3]).check((6,), 2)
    with pytest.raises(ArgumentError, match="gaussian, bernoulli"):
        Amortized(lambda x: x, "poisson")
