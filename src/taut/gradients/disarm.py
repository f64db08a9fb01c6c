"""DisARM: antithetic pairs for binary coordinates."""

from typing import ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.errors import ArgumentError
from taut.families.abilities import Binary
from taut.gradients.base import Gradient, Info
from taut.gradients.control_variates.base import contributions
from taut.gradients.evaluate import evaluate
from taut.objectives.draws import elbo_terms


class Disarm(Gradient):
    r"""Compare the cost at mirrored pairs of binary draws; coordinates in which a pair agrees learn nothing from it.

    .. math:: \nabla_{\ell_j} E[f(z)] = E\Big[\tfrac12 (f(z) - f(\tilde z))\, (z_j - \tilde z_j)\,
              \sigma(|\ell_j|)\Big], \qquad z = [u < \sigma(\ell)],\; \tilde z = [1 - u < \sigma(\ell)]

    Unbiased, with no assumption about the cost function and two evaluations a pair: what is best if there are only two.

    Attributes:
        samples: K, the number of draws for each unit and step, even: K / 2 pairs.

    Example:
        >>> Disarm(samples=4).name
        'disarm'

    Source: Z. Dong, A. Mnih, G. Tucker, DisARM: An Antithetic Gradient Estimator for Binary Latent Variables, 2020;
    M. Yin, N. Ho, B. Yan, X. Qian, M. Zhou, Probabilistic Best Subset Selection via Gradient-Based Optimization, 2020
    (the same estimator, as U2G).
    """

    name: ClassVar[str] = "disarm"
    needs = frozenset({Capability.BINARY, Capability.MEAN_OVER_DRAWS})
    learning_rate: ClassVar[float] = 0.02
    local_samples: ClassVar[int] = 2
    samples: int = eqx.field(static=True, default=2, converter=plain)

    def __check_init__(self):
        if self.samples % 2:
            raise ArgumentError(f"Disarm(samples={self.samples}): draws come in pairs; give an even number.")

    def noise(self, key, q):
        """Uniform numbers, and behind them their reflections 1 - u."""
        half = q.noises(key, self.samples // 2)
        return jnp.concatenate([half, 1 - half])

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics plus a term of value zero whose derivative is the estimator."""
        z = jax.vmap(q.sample)(noise)
        draws = evaluate(target, q, z, closed)
        own = contributions(objective, stop_gradient(draws))
        first, second = jnp.split(z, 2)
        logits = cast(Binary, q).logits
        coefficient = stop_gradient(0.5 * (first - second) * jax.nn.sigmoid(jnp.abs(logits)))
        moving = coefficient @ logits  # [pairs]; only its derivative counts
        moving = moving - stop_gradient(moving)

        def learned(s, f):
            difference = f[: len(first)] - f[len(first) :]
            return s + jnp.tensordot(moving, difference, 1) / len(first)

        statistics = jax.tree.map(learned, objective.statistics(draws), own)
        return statistics, Info(stop_gradient(elbo_terms(draws)), ())
