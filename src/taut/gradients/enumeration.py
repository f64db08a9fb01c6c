"""The exact gradient of a discrete posterior, by its outcomes."""

from typing import ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.families.abilities import Finite
from taut.gradients.base import Gradient, Info
from taut.gradients.evaluate import combine
from taut.objectives.draws import elbo_terms

MOST_OUTCOMES = 4096
"""Most outcomes that are summed over: 12 binary coordinates."""


class Enumeration(Gradient):
    r"""Sum over all outcomes of a discrete posterior: no noise at all.

    .. math:: \nabla_\theta E_{q_\theta}[f(z)] = \sum_z f(z)\, \nabla_\theta q_\theta(z)

    No assumption about the cost function; as many evaluations as there are outcomes, at most 4,096.

    Example:
        >>> Enumeration().samples
        1
    """

    name: ClassVar[str] = "enumeration"
    noiseless: ClassVar[bool] = True
    needs = frozenset({Capability.FINITE, Capability.MEAN_OVER_DRAWS})
    learning_rate: ClassVar[float] = 0.03
    samples: int = eqx.field(static=True, default=1, init=False)

    def supports(self, objective, model, family):
        """Also that there are few outcomes."""
        missing = super().supports(objective, model, family)
        if missing is not None:
            return missing
        unit = family.example(model.dim(None)) if family.local else family
        return None if cast(Finite, unit).count <= MOST_OUTCOMES else f"at most {MOST_OUTCOMES} outcomes"

    def evaluations(self, q):
        """One for each outcome."""
        return cast(Finite, q).count

    def noise(self, key, q):
        """No random numbers."""
        return ()

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The exact statistics: one "draw" that carries the expectations, to which the sampled terms are linear."""
        z = cast(Finite, q).outcomes()
        log_q = jax.vmap(q.log_prob)(z)
        weight = jnp.exp(log_q)
        densities = jax.vmap(target.log_likelihood)(z), jax.vmap(target.log_prior)(z), log_q
        log_likelihood, log_prior, log_q = ((weight @ density)[None] for density in densities)
        draws = combine(target, q, log_likelihood, log_prior, log_q, closed)
        return objective.statistics(draws), Info(stop_gradient(elbo_terms(draws)), ())
