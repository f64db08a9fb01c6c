"""Rules by which the multiplier of a constraint moves.

A multiplier is not a parameter: it is the objective's memory, moved by its own rule from the measured violation, so
that no optimizer, momentum, clip or weight decay can touch it. Each rule sees the *relative* violation
c = violation / |bound|, so that one step size serves bounds of any size.

The coefficient that multiplies this step's violation is made from memory alone: made from the same draws it would be
correlated with them and bias the gradient.
"""

import abc
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.errors import ArgumentError
from taut.objectives.traced_numbers import number, shown

RECENT, SMOOTHED = 0.9, 0.99
"""Weights of the past in the two moving averages of the violation: of about 10 and of about 100 steps."""
LEAST_SPREAD = 0.02
"""Smallest spread of relative violations: less counts as no noise (an exact gradient), and this is used instead."""


class Multiplier(NamedTuple):
    """Memory of one rule over n constraints; violations are relative.

    Attributes:
        value: `[n]`, lambda, per unit of the constrained statistic (per nat).
        violation: `[n]`, at the last step.
        recent: `[n]`, its average over about 10 steps, started at the first value.
        smoothed: `[n]`, its average over about 100 steps.
        variance: `[n]`, of the violation around `recent`: the spread from batch to batch.
        crossings: `[n]`, how often `smoothed` has changed its sign, while there was noise.
        step: Number of steps seen.
    """

    value: Float[Array, " n"]
    violation: Float[Array, " n"]
    recent: Float[Array, " n"]
    smoothed: Float[Array, " n"]
    variance: Float[Array, " n"]
    crossings: Float[Array, " n"]
    step: Float[Array, ""]


class Rule(eqx.Module):
    """How a multiplier moves.

    Attributes:
        step: Step size eta of the dual ascent.
        start: lambda at the start; 1 maximises the plain ELBO until the multiplier moves.
    """

    name: ClassVar[str]
    step: eqx.AbstractVar[Any]
    start: eqx.AbstractVar[Any]

    def __check_init__(self):
        if not 0 < self.step < float("inf") or not 0 <= self.start < float("inf"):
            raise ArgumentError(
                f"{type(self).__name__}(step={shown(self.step)}, start={shown(self.start)}): step must be positive, "
                "start at least 0, both finite."
            )

    def init(self, n: int) -> Multiplier:
        """The memory of n constraints before the first step."""
        zeros = jnp.zeros(n)
        return Multiplier(jnp.full(n, self.start), zeros, zeros, zeros, zeros, zeros, jnp.zeros(()))

    def coefficient(self, memory: Multiplier) -> Float[Array, " n"]:
        """What multiplies this step's violation, from memory alone."""
        return memory.value

    @abc.abstractmethod
    def move(self, before: Multiplier, seen: Multiplier) -> Float[Array, " n"]:
        """The next lambda, from the memory before this step and the averages after it."""

    def update(self, memory: Multiplier, violation: Float[Array, " n"]) -> Multiplier:
        """The memory after a step with this relative violation."""
        first = memory.step == 0

        def averaged(old, new, past):
            return jnp.where(first, new, past * old + (1 - past) * new)

        smoothed = averaged(memory.smoothed, violation, SMOOTHED)
        around = jnp.where(first, 0.0, violation - memory.recent)
        variance = SMOOTHED * memory.variance + (1 - SMOOTHED) * around**2
        crossed = (smoothed * memory.smoothed < 0) & (variance > LEAST_SPREAD**2)
        seen = Multiplier(
            value=memory.value,
            violation=violation,
            recent=averaged(memory.recent, violation, RECENT),
            smoothed=smoothed,
            variance=variance,
            crossings=memory.crossings + crossed,
            step=memory.step + 1,
        )
        return seen._replace(value=jnp.maximum(self.move(memory, seen), 0.0))


class AugmentedLagrangian(Rule):
    r"""The default: an exponential penalty beside a multiplier that does not wind up.

    .. math:: \lambda e^{\rho \hat z}, \qquad \ln\lambda \leftarrow \ln\lambda + \frac{\eta}{1 + m + a \eta}\, \hat z

    Here z is the violation's recent average over its own spread from batch to batch: a step of eta means the same
    whatever the bound, the units and the batch size, and the penalty carries a known share of noise. z-hat is the part
    of z that calls for an answer, clipped to +-3 in the penalty and to +-1 in the integral. What makes the step's size
    matter little:

    - *no answer while the violation closes by itself*: z-hat is z or what will be left of it `HORIZON` / (1 + m) steps
      ahead at its present rate, whichever is smaller, 0 where that has the other sign, and 0 until the averages have
      filled. Early in training every reconstruction is bad and improving. A multiplier that adds this up is far too
      large when it has improved; and a penalty on it makes the encoder spend nats that it takes thousands of steps to
      save again;
    - the *penalty* answers at once, so that lambda need not overshoot to be felt;
    - *the step shrinks by crossings*: m is how often the smoothed violation has changed its sign (in noise), so too
      large a step finds its own size, and lambda settles;
    - *no step is faster than its answer*: a network answers after tens of steps, so however large eta is, lambda takes
      a = `ANSWER` steps for a factor of e.

    Attributes:
        step: eta; values from 0.002 to 0.2 give the same result.
        start: lambda at the start, positive.
        penalty: rho, per standard deviation of the violation.

    Source: R. T. Rockafellar, The Multiplier Method of Hestenes and Powell Applied to Convex Programming, 1973;
    P. Tseng and D. Bertsekas, On the Convergence of the Exponential Multiplier Method for Convex Programming, 1993;
    H. Kesten, Accelerated Stochastic Approximation, 1958 (the crossings).

    Example:
        >>> AugmentedLagrangian().name
        'augmented-lagrangian'
    """

    FILLED: ClassVar[int] = round(1 / (1 - SMOOTHED))
    """Steps before which the averages tell no trend: neither penalty nor multiplier moves."""
    HORIZON: ClassVar[float] = 300.0
    """Steps within which a violation that would close is left to close: a trend is a straight line for no longer."""
    ANSWER: ClassVar[float] = 10.0
    """Steps in which ln(lambda) moves by 1 at most."""
    SMALL: ClassVar[float] = 0.25
    """Standard deviations below which a violation is answered whether it closes or not."""
    MOST: ClassVar[float] = 3.0
    """Standard deviations at which the penalty stops growing."""
    RANGE: ClassVar[tuple[float, float]] = (1e-3, 1e6)
    """Bounds of lambda over its start: at the lower end a slack constraint has no effect, and lambda can still rise."""

    name: ClassVar[str] = "augmented-lagrangian"
    step: Any = eqx.field(converter=number, default=0.02)
    start: Any = eqx.field(converter=number, default=1.0)
    penalty: Any = eqx.field(converter=number, default=0.5)

    def __check_init__(self):
        if not self.start > 0 or not self.penalty >= 0:
            raise ArgumentError(
                f"AugmentedLagrangian(start={shown(self.start)}, penalty={shown(self.penalty)}): start must be "
                "positive, since the multiplier moves by factors, and penalty at least 0."
            )

    def _unanswered(self, memory):
        """z-hat: the violation that will not close by itself, in standard deviations."""
        # The two averages lag by 1/(1 - past) steps, so their difference over the difference of lags is the slope.
        slope = (memory.recent - memory.smoothed) / (1 / (1 - SMOOTHED) - 1 / (1 - RECENT))
        ahead = memory.recent + self.HORIZON / (1 + memory.crossings) * slope
        size, spread = jnp.abs(memory.recent), jnp.maximum(jnp.sqrt(memory.variance), LEAST_SPREAD)
        left = jnp.where(memory.recent * ahead < 0, 0.0, jnp.minimum(size, jnp.abs(ahead)))
        left = jnp.where(size > self.SMALL * spread, left, size)
        return jnp.where(memory.step < self.FILLED, 0.0, jnp.sign(memory.recent) * left / spread)

    def coefficient(self, memory):
        """lambda times the exponential penalty."""
        return memory.value * jnp.exp(self.penalty * jnp.clip(self._unanswered(memory), -self.MOST, self.MOST))

    def move(self, before, seen):
        """Ascent in ln(lambda)."""
        step = self.step / (1 + seen.crossings + self.ANSWER * self.step)
        value = before.value * jnp.exp(step * jnp.clip(self._unanswered(seen), -1.0, 1.0))
        return jnp.clip(value, self.start * self.RANGE[0], self.start * self.RANGE[1])


class GradientAscent(Rule):
    r"""Projected gradient ascent: lambda <- max(0, lambda + eta c), with c clipped to +-1.

    Source: K. Arrow, L. Hurwicz, H. Uzawa, Studies in Linear and Non-Linear Programming, 1958.

    Example:
        >>> GradientAscent().name
        'gradient-ascent'
    """

    name: ClassVar[str] = "gradient-ascent"
    step: Any = eqx.field(converter=number, default=0.01)
    start: Any = eqx.field(converter=number, default=1.0)

    def move(self, before, seen):
        """One step of projected gradient ascent."""
        return before.value + self.step * jnp.clip(seen.violation, -1.0, 1.0)


class ProportionalIntegral(Rule):
    r"""nuPI: ascent on the violation and on the change of its moving average.

    .. math:: \lambda \leftarrow \max(0, \lambda + \eta (c + k_p (\xi_t - \xi_{t-1})))

    with \(\xi\) over about 10 steps: the proportional term must not lag.

    Source: M. Sohrabi et al., On PI Controllers for Updating Lagrange Multipliers in Constrained Optimization, 2024.

    Example:
        >>> float(ProportionalIntegral().proportional)
        100.0
    """

    name: ClassVar[str] = "proportional-integral"
    step: Any = eqx.field(converter=number, default=0.01)
    start: Any = eqx.field(converter=number, default=1.0)
    proportional: Any = eqx.field(converter=number, default=100.0)

    def move(self, before, seen):
        """The sum of the integral and the proportional part."""
        change = jnp.where(before.step == 0, 0.0, seen.recent - before.recent)
        return before.value + self.step * (jnp.clip(seen.violation, -1.0, 1.0) + self.proportional * change)


class Multiplicative(Rule):
    r"""GECO's rule as published, for comparison: lambda <- lambda exp(eta * moving average of c). It winds up.

    Source: D. Rezende and F. Viola, Taming VAEs, 2018.

    Example:
        >>> Multiplicative().name
        'multiplicative'
    """

    name: ClassVar[str] = "multiplicative"
    step: Any = eqx.field(converter=number, default=0.01)
    start: Any = eqx.field(converter=number, default=1.0)

    def __check_init__(self):
        if not self.start > 0:
            raise ArgumentError("Multiplicative(start=0): a multiplicative rule can never leave zero; start at 1.")

    def move(self, before, seen):
        """The product, clipped to the range of floating point."""
        return jnp.clip(before.value * jnp.exp(self.step * seen.smoothed), 1e-10, 1e10)
