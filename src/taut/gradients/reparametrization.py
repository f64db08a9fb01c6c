"""The reparametrization (pathwise) gradient."""

from typing import ClassVar

from taut.core.capabilities import Capability
from taut.core.trees import stop_gradient
from taut.gradients.arrangements import Sampled
from taut.gradients.base import Info
from taut.gradients.evaluate import evaluate, over_draws
from taut.objectives.draws import elbo_terms


class Reparametrization(Sampled):
    r"""Differentiate through the draw: z = mu + sigma * epsilon.

    .. math:: \nabla_\theta E_{q_\theta}[f(z)] = E_{p(\epsilon)}[\nabla_\theta f(g_\theta(\epsilon))]

    Unbiased and consistent; asks for a differentiable cost and a family whose draws are differentiable functions of
    fixed noise.

    Attributes:
        samples: K, the number of draws for each unit and step.
        draws: Arrangement of the draws: "independent", "antithetic", "moment-matched" or "sobol".

    Example:
        >>> Reparametrization(samples=10).name
        'reparametrization'

    Source: D. Kingma and M. Welling, Auto-Encoding Variational Bayes, 2014; M. Titsias and M. Lázaro-Gredilla, Doubly
    Stochastic Variational Bayes for non-Conjugate Inference, 2014.
    """

    name: ClassVar[str] = "reparametrization"
    needs = frozenset({Capability.REPARAMETRISED, Capability.DIFFERENTIABLE})
    learning_rate: ClassVar[float] = 0.03

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics at differentiable draws: their derivative is the estimator."""
        draws = evaluate(target, q, over_draws(q.sample, noise), closed)
        return objective.statistics(draws), Info(stop_gradient(elbo_terms(draws)), ())
