"""The measure-valued gradient: a parameter's derivative as a difference of expectations."""

from typing import ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.families.abilities import WeakDerivatives
from taut.gradients.base import Gradient, Info
from taut.gradients.evaluate import evaluate
from taut.objectives.draws import Draws, elbo_terms


class MeasureValued(Gradient):
    r"""Move one coordinate of the draw at a time, to where the family's weak derivative puts it.

    .. math:: \nabla_\theta E_{q_\theta}[f(z)] = c_\theta \big(E_{q^+}[f(z)] - E_{q^-}[f(z)]\big)
                                              = E\Big[\sum_b \nabla_\theta \beta_b\, (f(z_b) - f(z))\Big]

    Unbiased, with no assumption about the cost function, and for smooth costs about as quiet as reparametrization. The
    family offers the \(z_b\) and \(\beta_b\) (`Family.branches`), coupled with the draw: for a Gaussian they are
    Rayleigh and double-sided Maxwell moves, for a Poisson count one count more, and for Bernoulli and categorical
    coordinates every other outcome: the *local expectation*. A function of several draws (an importance-weighted bound)
    is moved draw by draw.

    The price is evaluations: K draws of D coordinates cost K (1 + B), where B is 3 D for Gaussians and D for Bernoulli.

    Attributes:
        samples: K, the number of draws for each unit and step.

    Example:
        >>> from taut.families import Bernoulli
        >>> MeasureValued(samples=2).evaluations(Bernoulli(jnp.zeros(20)))
        42

    Source: G. Pflug, Sampling Derivatives of Probabilities, 1989; S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte
    Carlo Gradient Estimation in Machine Learning, 2020; M. Titsias and M. Lázaro-Gredilla, Local Expectation Gradients
    for Black Box Variational Inference, 2015.
    """

    name: ClassVar[str] = "measure-valued"
    aliases: ClassVar[tuple[str, ...]] = ("local-expectation",)
    needs = frozenset({Capability.WEAK_DERIVATIVES})
    learning_rate: ClassVar[float] = 0.03
    samples: int = eqx.field(static=True, default=1, converter=plain)

    def evaluations(self, q):
        """One for each draw and one for each of its branches."""
        key = jax.random.key(0)
        branches = jax.eval_shape(lambda q: q.branches(q.noise(key), q.branch_noise(key)), q)
        return self.samples * (1 + branches.draws.shape[0])

    def noise(self, key, q):
        """The random numbers of the draws, and those of their branches."""
        of_draws, of_branches = jax.random.split(key)
        of_branches = jax.random.split(of_branches, self.samples)
        return super().noise(of_draws, q), jax.vmap(cast(WeakDerivatives, q).branch_noise)(of_branches)

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics, plus each branch's weight times what the statistics would be with the draw moved there."""
        z = stop_gradient(jax.vmap(q.sample)(noise[0]))
        draws = evaluate(target, q, z, closed)
        statistics = objective.statistics(draws)
        moved, weights = jax.vmap(cast(WeakDerivatives, q).branches)(*noise)  # [K, B, D], [K, B]
        K, B = weights.shape
        places = stop_gradient(moved).reshape(K * B, -1)
        there = evaluate(stop_gradient(target), stop_gradient(q), places, closed)
        here = stop_gradient(draws)

        def with_branch(own, terms):
            changed = (jnp.where(own, t, x) for x, t in zip(here[:4], terms, strict=True))
            return objective.statistics(Draws(*changed, *here[4:]))  # pyright: ignore[reportCallIssue]

        terms = tuple(x.reshape(K, B) for x in there[:4])
        of_draw = jax.vmap(with_branch, (None, 0))
        after = jax.vmap(of_draw)(np.eye(K, dtype=bool), terms)
        moving = weights - stop_gradient(weights)
        statistics = jax.tree.map(lambda s, a: s + jnp.tensordot(moving, stop_gradient(a - s), 2), statistics, after)
        return statistics, Info(stop_gradient(elbo_terms(draws)), ())
