"""The score-function gradient, REINFORCE, as a surrogate loss."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from taut.core.arguments import plain
from taut.core.trees import is_float_array, stop_gradient
from taut.errors import ArgumentError
from taut.gradients.arrangements import Sampled
from taut.gradients.base import Info
from taut.gradients.control_variates.base import ControlVariate, LeaveOneOut, Seen
from taut.gradients.control_variates.given import as_control
from taut.gradients.evaluate import evaluate
from taut.objectives.draws import elbo_terms

STEADY = 60.0
"""The rate is sqrt(K / P) over this, for P parameters and K draws. Full-rank families of 20, 31 and 49 coordinates ran
away at rates from 1.4 to 2 times as large, with 500 rows and with 5,000."""


class Reinforce(Sampled):
    r"""Weight the score of each draw by its contribution, less a control variate.

    .. math:: \nabla_\theta E_{q_\theta}[f(z)] = E_{q_\theta}[(f(z) - b)\, \nabla_\theta \log q_\theta(z)]

    Unbiased and consistent, with no assumption about the cost function: only log q has to be differentiable. The KL
    is taken in closed form where it is closed, and then carries no noise.

    Attributes:
        samples: K, the number of draws for each unit and step.
        control: The control variate, an instance or its name; leave-one-out by default.
        draws: Arrangement: "independent", "antithetic", "moment-matched" or "sobol"; all but the first need a
            control variate that does not compare the draws.

    Example:
        >>> Reinforce(samples=50).control.name
        'leave-one-out'

    Source: R. Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning,
    1992; R. Ranganath, S. Gerrish, D. Blei, Black Box Variational Inference, 2014.
    """

    name: ClassVar[str] = "reinforce"
    noise_grows: ClassVar[bool] = True
    learning_rate: ClassVar[float] = 0.02
    local_samples: ClassVar[int] = 8

    samples: int = eqx.field(static=True, default=50, converter=plain)
    control: ControlVariate = eqx.field(default=LeaveOneOut(), converter=as_control)

    def __check_init__(self):
        if isinstance(self.samples, int) and self.samples < self.control.least_samples:
            raise ArgumentError(
                f"Reinforce(samples={self.samples}) with {self.control.name}: the baseline of a draw is made of the "
                "other draws, "
                f"so at least {self.control.least_samples} are needed; raise samples or take control=MovingAverage()."
            )
        if self.draws != "independent" and self.control.compares_draws:
            raise ArgumentError(
                f"Reinforce(draws={self.draws!r}) with {self.control.name}: the baseline of a draw is made of the "
                "other draws, which must be independent of it; take control=MovingAverage() or OptimalBaseline()."
            )

    @property
    def label(self):
        """The name with the control variate."""
        return f"{super().label} ({self.control.name})"

    def evaluations(self, q):
        """One for each draw, and those of the control variate."""
        return self.samples + self.control.evaluations(q.dim)

    def rate(self, family):
        """At most 0.02, and less for many parameters.

        Adam divides each coordinate of the gradient by its noise, so its steps of size r are nearly a random walk in P
        parameters. The walk itself makes the cost vary more from draw to draw, and with it the noise, the less the
        more draws there are: above some rate it feeds itself, and the training runs away.
        """
        if family.local:  # a network is no set of independent parameters
            return self.learning_rate
        parameters = sum(leaf.size for leaf in jax.tree.leaves(family) if is_float_array(leaf))
        return min(self.learning_rate, (self.samples / parameters) ** 0.5 / STEADY)

    def requirements(self, model):
        """Also what the control variate needs."""
        return super().requirements(model) | self.control.needs

    def init(self, statistics):
        """The control variate's memory."""
        return self.control.init(statistics)

    def update(self, memory, observed):
        """The control variate's memory after a step."""
        return self.control.update(memory, observed)

    def noise(self, key, q):
        """The random numbers of the K draws, and behind them those of the control variate's own draws."""
        fresh = self.control.fresh_draws
        if not fresh:
            return super().noise(key, q)
        of_draws, of_fresh = jax.random.split(key)
        own = q.noises(of_fresh, fresh)
        return jax.tree.map(lambda *a: jnp.concatenate(a), super().noise(of_draws, q), own)

    def surrogate(self, noise, objective, target, q, closed, memory):
        """The statistics plus a term of value zero whose derivative is the score-function estimator."""
        # The draws are stopped: a gradient through them as well would count the same dependence twice.
        z = stop_gradient(jax.vmap(q.sample)(noise))
        z, fresh = z[: self.samples], z[self.samples :]
        draws = evaluate(target, q, z, closed)
        seen = Seen(stop_gradient(target), q, z, fresh, stop_gradient(draws), closed)
        signal, correction, observed = self.control.controlled(objective, seen, memory)
        score = draws.log_q - stop_gradient(draws.log_q)
        statistics = jax.tree.map(
            lambda s, w: s + jnp.tensordot(score, stop_gradient(w), 1), objective.statistics(draws), signal
        )
        if correction is not None:
            statistics = jax.tree.map(lambda s, c: s + c - stop_gradient(c), statistics, correction)
        return statistics, Info(stop_gradient(elbo_terms(draws)), stop_gradient(observed))
