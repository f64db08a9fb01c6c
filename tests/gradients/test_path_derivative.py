"""The path derivative of the importance-weighted bound, for decoder and encoder, against the exact gradient.

Two draws of a one-dimensional z by quadrature. The exact gradient is that of the quadrature of the bound itself: nodes
are fixed, so reparametrization by them differentiates the integral.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from taut.core.capabilities import Capability
from taut.families import MeanField
from taut.gradients import PathDerivative, Reinforce, Reparametrization
from taut.models.latent import LatentVariableModel
from taut.models.target import Target
from taut.objectives import Constrained, Elbo, ImportanceWeighted, Renyi, at_least

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(5)
# Weak enough for tanh to be smooth over the nodes: the two gradients are equal as integrals only.
NODES, SHARES = np.polynomial.hermite_e.hermegauss(60)
SHARES = SHARES / SHARES.sum()
NOISE = np.stack(np.meshgrid(NODES, NODES, indexing="ij"), -1).reshape(-1, 2, 1)
WEIGHTS = np.outer(SHARES, SHARES).ravel()
X = np.array([[1.0, 0.0, 1.0, 1.0, 0.0]])


class Decoder(eqx.Module):
    inner: jax.Array
    outer: jax.Array

    def __call__(self, z):
        return self.outer @ jnp.tanh(self.inner * z[0])


MODEL = LatentVariableModel(Decoder(0.4 * RNG.normal(size=4), RNG.normal(size=(5, 4))), "bernoulli", latent=1)
Q = MeanField(np.array([0.3]), np.array([-0.2]))


def gradient_of(gradient, objective, q=Q):
    """Of the expected value, in the decoder's and in q's parameters."""

    def value(parts, noise):
        decoder, q = parts
        model = eqx.tree_at(lambda m: m.decoder, MODEL, decoder)
        target = Target(model, X, np.ones(1), np.ones(()))
        statistics, _ = gradient.surrogate(noise, objective, target, q, frozenset(), ())
        return objective.value(statistics, objective.init(), 0)

    slope = jax.jit(
        lambda parts: jax.tree.map(
            lambda g: jnp.tensordot(WEIGHTS, g, 1), jax.vmap(jax.grad(value), (None, 0))(parts, NOISE)
        )
    )
    return slope((MODEL.decoder, q))


BOUNDED = Constrained("kl", subject_to=at_least("expected_log_likelihood", -3.0))
OBJECTIVES = [ImportanceWeighted(), Renyi(2.0), Elbo(), BOUNDED]


EXACT = {}


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o.name)
@pytest.mark.parametrize("kind", [PathDerivative, Reinforce])
def test_decoder_and_encoder_get_the_exact_gradient(objective, kind):
    found = gradient_of(kind(samples=2), objective)
    if objective.name not in EXACT:
        EXACT[objective.name] = gradient_of(Reparametrization(samples=2), objective)
    exact = EXACT[objective.name]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9), found, exact)


def test_one_weighting_for_both_would_give_the_decoder_another_gradient():
    # What the class documents: with the weights of the encoder's path, the decoder's gradient is wrong.
    class OneWeighting(PathDerivative):
        def surrogate(self, noise, objective, target, q, closed, memory):
            z = jax.vmap(q.sample)(noise)
            log_q = jax.vmap(jax.lax.stop_gradient(q).log_prob)(z)
            log_weight = jax.vmap(target.log_likelihood)(z) + jax.vmap(target.log_prior)(z) - log_q
            share = jax.lax.stop_gradient(jax.nn.softmax(log_weight) ** 2)
            return {"bound": share @ log_weight}, None

    exact, wrong = (gradient_of(kind(samples=2), ImportanceWeighted()) for kind in (Reparametrization, OneWeighting))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), wrong[1], exact[1])
    assert np.max(np.abs(wrong[0].outer - exact[0].outer)) > 0.1 * np.max(np.abs(exact[0].outer))


def test_there_is_no_noise_where_q_is_the_posterior():
    # A linear decoder with unit noise: the posterior of z given x = 1 under N(z, 1) is N(1/2, 1/2).
    model = LatentVariableModel(lambda z: z, "gaussian", latent=1)
    target = Target(model, np.array([[1.0]]), np.ones(1), np.ones(()))
    posterior = MeanField(np.array([0.5]), np.array([0.5 * np.log(0.5)]))

    @jax.jit
    @jax.grad
    def slope(q):
        noise = RNG.normal(size=(4, 1))
        return Elbo().value(PathDerivative(samples=4).surrogate(noise, Elbo(), target, q, frozenset(), ())[0], (), 0)

    jax.tree.map(lambda g: np.testing.assert_allclose(g, 0, atol=1e-12), slope(posterior))


def test_it_takes_no_closed_kl_and_needs_log_weights():
    assert not PathDerivative().closed_kl
    assert Capability.LOG_WEIGHTS in PathDerivative().needs
