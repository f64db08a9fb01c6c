"""The score-function gradient, REINFORCE, as a surrogate loss."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.errors import ArgumentError
from taut.gradients.base import Gradient, Info
from taut.gradients.control_variates import ControlVariate, LeaveOneOut
from taut.gradients.target import evaluate
from taut.objectives.draws import elbo_terms
from taut.trees import stop_gradient


class Reinforce(Gradient):
    r"""Weight the score of each draw by its contribution, less a control variate.

    .. math:: \nabla_\theta E_{q_\theta}[f(z)] = E_{q_\theta}[(f(z) - b)\, \nabla_\theta \log q_\theta(z)]

    Unbiased and consistent, with no assumption about the cost function: only log q has to be differentiable. The KL
    is taken in closed form where it is closed, and then carries no noise.

    Attributes:
        samples: K, draws for each unit and step.
        control: the control variate; leave-one-out by default.

    Example:
        >>> Reinforce(samples=50).control.name
        'leave-one-out'

    Source: R. Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning,
    1992; R. Ranganath, S. Gerrish, D. Blei, Black Box Variational Inference, 2014.
    """

    name: ClassVar[str] = "reinforce"
    learning_rate: ClassVar[float] = 0.02

    samples: int = eqx.field(static=True, default=50)
    control: ControlVariate = LeaveOneOut()

    def __check_init__(self):
        if self.samples < self.control.least_samples:
            raise ArgumentError(
                f"Reinforce(samples={self.samples}) with {self.control.name}: the baseline of a draw is made of the "
                "other draws, "
                f"so at least {self.control.least_samples} are needed; raise samples or take control=MovingAverage()."
            )

    def requirements(self, model):
        """What the control variate asks of the objective."""
        return self.needs | self.control.needs

    def init(self, statistics):
        """The control variate's memory."""
        return self.control.init(statistics)

    def update(self, memory, observed):
        """The control variate's memory after a step."""
        return self.control.update(memory, observed)

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics plus a term of value zero whose derivative is the score-function estimator."""
        # The draws are stopped: a gradient through them as well would count the same dependence twice.
        z = stop_gradient(jax.vmap(q.sample)(noise))
        draws = evaluate(target, q, z, closed)
        signal, observed = self.control.signal(objective, stop_gradient(draws), memory)
        score = draws.log_q - stop_gradient(draws.log_q)
        statistics = jax.tree.map(lambda s, w: s + jnp.tensordot(score, w, 1), objective.statistics(draws), signal)
        return statistics, Info(stop_gradient(elbo_terms(draws)), observed)
