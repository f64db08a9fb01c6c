"""The baseline with the least variance, estimated from the past."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.families.base import Family
from taut.gradients.control_variates.base import Averaging, contributions


def scores(q: Family, z: Float[Array, "K D"]) -> Float[Array, "K P"]:
    """The derivative of log q at each draw in q's P parameters, end to end."""

    def score(z):
        slope = eqx.filter_grad(lambda q: q.log_prob(z))(stop_gradient(q))  # an order of coordinates is no parameter
        return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(slope)])

    return jax.vmap(score)(z)


def ratio(top, bottom):
    """top / bottom, and 0 where nothing is known yet or the control variate is 0."""
    known = bottom > 0
    return jnp.where(known, top / jnp.where(known, bottom, 1), 0)


class OptimalBaseline(Averaging):
    r"""Subtract the constant that makes the gradient's total variance least.

    .. math:: \mathrm{tr\,Var}[(f - b)\, s] \text{ is least at } b = \frac{E[f\, \|s\|^2]}{E[\|s\|^2]},
              \qquad s = \nabla \log q(z)

    Both expectations are moving averages over earlier steps, so that b does not know the draws it is used on. Draws
    with a large score count more than in the plain average: a mean baseline can hurt where this one cannot.

    Attributes:
        decay: Weight of the past in the moving averages.

    Example:
        >>> OptimalBaseline().decay
        0.9

    Source: E. Greensmith, P. Bartlett, J. Baxter, Variance Reduction Techniques for Gradient Estimates in Reinforcement
    Learning, 2004; R. Ranganath, S. Gerrish, D. Blei, Black Box Variational Inference, 2014.
    """

    name: ClassVar[str] = "optimal"
    needs = frozenset({Capability.MEAN_OVER_DRAWS})
    decay: float = eqx.field(static=True, default=0.9)

    def init(self, statistics):
        """Nothing known yet; the common factor of the two averages cancels in their ratio."""
        zeros = jax.tree.map(jnp.zeros_like, statistics)
        return zeros, zeros

    def controlled(self, objective, seen, memory):
        """Contributions minus the baseline, divided by K; and the two expectations over these draws."""
        own = contributions(objective, seen.draws)
        size = jnp.sum(scores(seen.q, seen.z) ** 2, axis=1)
        baseline = jax.tree.map(ratio, *memory)
        K = size.shape[0]
        signal = jax.tree.map(lambda f, b: (f - b) / K, own, baseline)
        top = jax.tree.map(lambda f: jnp.tensordot(size, f, 1) / K, own)
        bottom = jax.tree.map(lambda f: jnp.broadcast_to(jnp.mean(size), f.shape[1:]), own)
        return signal, None, (top, bottom)
