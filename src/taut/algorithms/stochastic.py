"""Stochastic gradient ascent on the objective, as the lab teaches it."""

import math
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from taut.algorithms.base import Stepwise
from taut.algorithms.gradient_noise import Noise, steps_to_measurement
from taut.algorithms.recipe import Recipe
from taut.core.arguments import is_number, plain
from taut.core.names import brief, find
from taut.errors import ArgumentError
from taut.problem import Problem, estimate, statistics_like, trainable

D_ADAPTATION = "d-adaptation"


def _optimizer(value: Any) -> Any:
    return find(value, [D_ADAPTATION]) or value


class StochasticState(NamedTuple):
    """What the next step needs.

    Attributes:
        problem: The current iterate.
        average: The moving leaves of the averaged iterate; None where iterates are not averaged.
        optimizer: The state of the Optax optimizer.
        objective: The memory of the objective.
        gradient: The memory of the gradient estimator.
        noise: What is known of the noise of the gradient.
        step: Number of steps taken.
    """

    problem: Problem
    average: Any
    optimizer: Any
    objective: Any
    gradient: Any
    noise: Noise
    step: Int[Array, ""]


class StochasticGradient(Stepwise):
    r"""Ascend the estimated gradient with any Optax optimizer.

    The rate falls along a cosine to zero over the budget, and the answer is the polynomial-decay average of iterates,

    .. math:: \bar x_t = \Big(1 - \frac{\eta+1}{t+\eta}\Big) \bar x_{t-1} + \frac{\eta+1}{t+\eta} x_t,

    which keeps about the last 1/(eta+1) of the run and needs no tuning.

    Attributes:
        steps: The number of steps.
        learning_rate: Learning rate of Adam at the start; None takes the rate that suits the gradient estimator.
        optimizer: An optimizer in place of Adam; `learning_rate` is then not used. "d-adaptation" is an Adam that finds
            its rate from how far from the start it has to go (with the same cosine decay), for unknowns of unknown
            scale. Otherwise a `Recipe` or an Optax optimizer, which compiles anew for each fit.
        averaging: eta above, or None for the last iterate.

    Example:
        >>> StochasticGradient(steps=5000).averaging
        8.0

    Source: D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, 2015; O. Shamir and T. Zhang, Stochastic
    Gradient Descent for Non-smooth Optimization, 2013 (the averaging); A. Defazio and
    K. Mishchenko, Learning-Rate-Free Learning by D-Adaptation, 2023.
    """

    name: ClassVar[str] = "stochastic gradient"
    chunk: ClassVar[int] = 1000
    steps: int = eqx.field(static=True, default=5000, converter=plain)
    learning_rate: float | None = eqx.field(static=True, default=None)
    optimizer: Any = eqx.field(static=True, default=None, converter=_optimizer)
    averaging: float | None = eqx.field(static=True, default=8.0)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ArgumentError(f"steps={self.steps!r}: a positive whole number of steps is needed, e.g. steps=5000.")
        if self.learning_rate is not None and not (is_number(self.learning_rate) and 0 < self.learning_rate < math.inf):
            raise ArgumentError(f"learning_rate={brief(self.learning_rate)}: a positive number is needed, e.g. 0.01.")
        if self.averaging is not None and not (is_number(self.averaging) and 0 <= self.averaging < math.inf):
            raise ArgumentError(
                f"averaging={brief(self.averaging)}: a number of at least 0, or None for the last iterate."
            )
        made = isinstance(self.optimizer, Recipe) or hasattr(self.optimizer, "update")
        if not made and self.optimizer not in (None, D_ADAPTATION):
            raise ArgumentError(
                f"optimizer={brief(self.optimizer)}: {D_ADAPTATION!r}, a Recipe such as Recipe(optax.adam, 0.01) or an "
                "Optax optimizer is needed."
            )

    def recipe(self, problem: Problem) -> Any:
        """The optimizer as given, or Adam with cosine decay at the rate that suits the gradient."""
        if self.optimizer is not None and self.optimizer != D_ADAPTATION:
            return self.optimizer
        import optax

        if self.optimizer == D_ADAPTATION:
            cosine = Recipe(optax.cosine_decay_schedule, 1.0, self.steps)
            return Recipe(optax.contrib.dadapt_adamw, cosine, weight_decay=0.0)
        rate = self.learning_rate if self.learning_rate is not None else problem.gradient.rate(problem.family)
        return Recipe(optax.adam, Recipe(optax.cosine_decay_schedule, rate, self.steps))

    def _optax(self, problem: Problem) -> Any:
        recipe = self.recipe(problem)
        return recipe.build() if isinstance(recipe, Recipe) else recipe

    @eqx.filter_jit
    def init(self, problem, dtype):
        """The state before the first step."""
        moving = eqx.filter(problem, trainable(problem))
        like = statistics_like(problem, dtype)
        return StochasticState(
            problem=problem,
            average=moving if self.averaging is not None else None,
            optimizer=self._optax(problem).init(moving),
            objective=problem.objective.init(),
            gradient=problem.gradient.init(like),
            noise=Noise.start(moving, dtype),
            step=jnp.zeros((), jnp.int32),
        )

    def _gradient(self, key, state, batch):
        """The objective's value, the statistics and terms, and the derivative of the loss in the moving leaves."""
        moving, fixed = eqx.partition(state.problem, trainable(state.problem))

        def loss(moving):
            problem = eqx.combine(moving, fixed)
            statistics, info = estimate(problem, key, batch, state.gradient)
            bound = problem.objective.value(statistics, state.objective, state.step)
            return -bound, (statistics, info)  # the one negation: Optax descends, bounds go up

        (loss_value, estimated), slope = jax.value_and_grad(loss, has_aux=True)(moving)
        return -loss_value, estimated, slope, (moving, fixed)

    def step(self, key, state, batch):
        """One estimate of the gradient, one step of the optimizer, one update of each memory."""
        return self.seen_step(key, state, batch)[:2]

    def seen_step(self, key, state, batch):
        """The same, with the gradient."""
        import optax

        bound, (statistics, info), slope, (moving, fixed) = self._gradient(key, state, batch)
        updates, optimizer = self._optax(state.problem).update(slope, state.optimizer, moving)
        moving: Any = optax.apply_updates(moving, updates)
        problem: Problem = eqx.combine(moving, fixed)
        new = StochasticState(
            problem=problem,
            average=self._averaged(state, moving),
            optimizer=optimizer,
            objective=problem.objective.update(state.objective, statistics, state.step),
            gradient=problem.gradient.update(state.gradient, info.observed),
            noise=state.noise,
            step=state.step + 1,
        )
        terms = info.terms
        shown = problem.objective.shown(state.objective, statistics, state.step)
        elbo = terms["expected_log_likelihood"] - terms["kl"]
        return new, {"elbo": elbo, **terms, "bound": bound, **shown, **state.noise.shown}, slope

    def to_measurement(self, state):
        """To the next step whose gradient's noise is measured."""
        return steps_to_measurement(state.step)

    def measure(self, state, seen):
        """The noise with one gradient more."""
        return state._replace(noise=state.noise.after(seen, state.step - 1))

    def _averaged(self, state, moving):
        if self.averaging is None:
            return None
        weight = (self.averaging + 1) / (state.step + 1 + self.averaging)
        return jax.tree.map(lambda a, x: a + (weight * (x - a)).astype(a.dtype), state.average, moving)

    def output(self, state):
        """The averaged iterate, or the last."""
        if self.averaging is None:
            return state.problem
        return eqx.combine(state.average, state.problem)

    def diagnose(self, key, state, batch):
        """Every term and every derivative of one step, by name."""
        bound, (statistics, info), slope, _ = self._gradient(key, state, batch)
        leaves = jax.tree_util.tree_leaves_with_path(slope)
        derivatives = {f"the gradient of {jax.tree_util.keystr(path).lstrip('.')}": leaf for path, leaf in leaves}
        return {**info.terms, **statistics, "bound": bound, **derivatives}
