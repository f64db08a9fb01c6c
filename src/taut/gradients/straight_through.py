"""Straight-through Gumbel: the biased baseline of discrete gradients."""

from typing import ClassVar, cast

import equinox as eqx

from taut.core.arguments import plain
from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.errors import ArgumentError
from taut.families.abilities import Relaxed
from taut.gradients.base import Gradient, Info
from taut.gradients.evaluate import evaluate, over_draws
from taut.objectives.draws import elbo_terms


class StraightThrough(Gradient):
    r"""BIASED. Evaluate the cost at a discrete draw, and differentiate as if it were its relaxation.

    .. math:: z = \mathrm{onehot}(\arg\max_c \ell_c + g_c), \qquad
              \frac{\partial z}{\partial \ell} := \frac{\partial}{\partial \ell} \mathrm{softmax}((\ell + g) / \tau)

    The expectation of this estimate is not the gradient, at any temperature: a cost that is not linear between the
    outcomes has another slope there. It is here because it is widely used and quiet, and so that its bias can be
    measured beside the others. It needs a cost with derivatives between the outcomes.

    Attributes:
        samples: K, the number of draws for each unit and step.
        temperature: tau, positive; a lower one is less biased and has a larger variance.

    Example:
        >>> StraightThrough().unbiased
        False

    Source: E. Jang, S. Gu, B. Poole, Categorical Reparameterization with Gumbel-Softmax, 2017; C. Maddison, A. Mnih,
    Y. W. Teh, The Concrete Distribution, 2017.
    """

    name: ClassVar[str] = "straight-through"
    needs = frozenset({Capability.RELAXED, Capability.DIFFERENTIABLE})
    learning_rate: ClassVar[float] = 0.02
    samples: int = eqx.field(static=True, default=10, converter=plain)
    temperature: float = eqx.field(static=True, default=0.5)

    def __check_init__(self):
        if not 0 < self.temperature < float("inf"):
            raise ArgumentError(f"StraightThrough(temperature={self.temperature!r}): a positive number, 0.5 is usual.")

    @property
    def unbiased(self):
        """False: the derivative is that of the relaxation."""
        return False

    @property
    def label(self):
        """The name, with the bias."""
        return "straight-through (biased)"

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics at the discrete draws, with the relaxation's derivative behind them."""

        def draw(noise):
            soft = cast(Relaxed, q).relaxed(noise, self.temperature)
            return q.sample(noise) + soft - stop_gradient(soft)

        draws = evaluate(target, q, over_draws(draw, noise), closed)
        return objective.statistics(draws), Info(stop_gradient(elbo_terms(draws)), ())
