"""The exact gradient: every expectation in closed form, as the lab derives it for logistic regression."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.gradients.base import Gradient, Info
from taut.objectives.draws import Draws, elbo_terms


class Exact(Gradient):
    """Closed-form E_q[log p(x|z)] and KL(q||p), differentiated: no noise at all.

    For models whose likelihood has a closed expectation under q (a logistic regression, a linear-Gaussian decoder).

    Example:
        >>> Exact().samples
        1
    """

    name: ClassVar[str] = "exact"
    noiseless: ClassVar[bool] = True
    needs = frozenset(
        {Capability.CLOSED_LIKELIHOOD, Capability.CLOSED_PRIOR, Capability.CLOSED_ENTROPY, Capability.MEAN_OVER_DRAWS}
    )
    learning_rate: ClassVar[float] = 0.03
    samples: int = eqx.field(static=True, default=1, init=False)

    def requirements(self, model):
        """Also what the model's closed form asks of the family."""
        return self.needs | model.closed_form_needs

    def noise(self, key, q):
        """No random numbers."""
        return ()

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The exact statistics: one "draw" that carries the expectations."""
        expected = target.expected_log_likelihood(q)[None]
        zero = jnp.zeros_like(expected)
        per_dimension = target.closed_kl_per_dimension(q) if Capability.FACTORISED in closed else None
        draws = Draws(expected, zero, zero, zero, target.closed_kl(q), per_dimension)
        return objective.statistics(draws), Info(stop_gradient(elbo_terms(draws)), ())
