"""Rules by which the multiplier of a constraint moves.

A multiplier is not a parameter: it is the objective's memory, moved by its own rule from the measured violation, so
that no optimizer, momentum, clip or weight decay can touch it. Each rule sees the *relative* violation
c = violation / |bound|, clipped to +-1 in the update, so that one step size serves bounds of any size and a model that
is still far off does not wind it up.

The coefficient that multiplies this step's violation is made from memory alone: made from the same draws it would be
correlated with them and bias the gradient.
"""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.errors import ArgumentError


class Multiplier(NamedTuple):
    """Memory of one rule over n constraints.

    Attributes:
        value: `[n]`, lambda, per unit of the constrained statistic (per nat).
        violation: `[n]`, relative violation at the last step.
        smoothed: `[n]`, its moving average, started at the first value.
        step: steps seen.
    """

    value: Float[Array, " n"]
    violation: Float[Array, " n"]
    smoothed: Float[Array, " n"]
    step: Float[Array, ""]


class Rule(eqx.Module):
    """How a multiplier moves.

    Attributes:
        step: of the dual ascent.
        start: lambda at the start; 1 trains the plain ELBO until the constraint is felt.
    """

    name: ClassVar[str]
    step: eqx.AbstractVar[float]
    start: eqx.AbstractVar[float]

    def __check_init__(self):
        if not self.step > 0 or not self.start >= 0:
            raise ArgumentError(
                f"{type(self).__name__}(step={self.step!r}, start={self.start!r}): step must be positive, start at "
                "least 0."
            )

    def init(self, n: int) -> Multiplier:
        """The memory of n constraints before the first step."""
        return Multiplier(jnp.full(n, self.start), jnp.zeros(n), jnp.zeros(n), jnp.zeros(()))

    def coefficient(self, memory: Multiplier) -> Float[Array, " n"]:
        """What multiplies this step's violation, from memory alone."""
        return memory.value

    def move(
        self, memory: Multiplier, violation: Float[Array, " n"], smoothed: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        """The next lambda."""
        raise NotImplementedError

    def update(self, memory: Multiplier, violation: Float[Array, " n"]) -> Multiplier:
        """The memory after a step with this relative violation."""
        first = memory.step == 0
        smoothed = jnp.where(first, violation, self.smoothing * memory.smoothed + (1 - self.smoothing) * violation)
        value = jnp.maximum(self.move(memory, violation, smoothed), 0.0)
        return Multiplier(value, violation, smoothed, memory.step + 1)

    @property
    def smoothing(self) -> float:
        """Weight of the past in the moving average."""
        return 0.99


class AugmentedLagrangian(Rule):
    r"""The default: a quadratic penalty beside the multiplier damps what plain ascent would overshoot.

    .. math:: \max(0, \lambda + \rho c)\; c, \qquad \lambda \leftarrow \max(0, \lambda + \eta\, c)

    Source: R. T. Rockafellar, The Multiplier Method of Hestenes and Powell Applied to Convex Programming, 1973.

    Example:
        >>> AugmentedLagrangian().name
        'augmented-lagrangian'
    """

    name: ClassVar[str] = "augmented-lagrangian"
    step: float = eqx.field(static=True, default=0.1)
    start: float = eqx.field(static=True, default=1.0)
    penalty: float = eqx.field(static=True, default=3.0)

    def coefficient(self, memory):
        """lambda plus the penalty's derivative at the last step's violation."""
        return jnp.maximum(memory.value + self.penalty * jnp.clip(memory.violation, -1.0, 1.0), 0.0)

    def move(self, memory, violation, smoothed):
        """Plain ascent."""
        return memory.value + self.step * jnp.clip(violation, -1.0, 1.0)


class GradientAscent(Rule):
    r"""Projected gradient ascent: lambda <- max(0, lambda + eta c).

    Source: K. Arrow, L. Hurwicz, H. Uzawa, Studies in Linear and Non-Linear Programming, 1958.

    Example:
        >>> GradientAscent().name
        'gradient-ascent'
    """

    name: ClassVar[str] = "gradient-ascent"
    step: float = eqx.field(static=True, default=0.01)
    start: float = eqx.field(static=True, default=1.0)

    def move(self, memory, violation, smoothed):
        """Plain ascent."""
        return memory.value + self.step * jnp.clip(violation, -1.0, 1.0)


class ProportionalIntegral(Rule):
    r"""nuPI: ascent on the violation and on the change of its moving average.

    .. math:: \lambda \leftarrow \max(0, \lambda + \eta (c + k_p (\xi_t - \xi_{t-1})))

    Source: M. Sohrabi et al., On PI Controllers for Updating Lagrange Multipliers in Constrained Optimization, 2024.

    Example:
        >>> ProportionalIntegral().proportional
        100.0
    """

    name: ClassVar[str] = "proportional-integral"
    step: float = eqx.field(static=True, default=0.01)
    start: float = eqx.field(static=True, default=1.0)
    proportional: float = eqx.field(static=True, default=100.0)

    @property
    def smoothing(self):
        """A short memory: the proportional term must not lag."""
        return 0.9

    def move(self, memory, violation, smoothed):
        """Integral and proportional parts."""
        change = jnp.where(memory.step == 0, 0.0, smoothed - memory.smoothed)
        return memory.value + self.step * (jnp.clip(violation, -1.0, 1.0) + self.proportional * change)


class Multiplicative(Rule):
    r"""GECO's rule as published, for comparison: lambda <- lambda exp(eta * moving average of c). It winds up.

    Source: D. Rezende and F. Viola, Taming VAEs, 2018.

    Example:
        >>> Multiplicative().name
        'multiplicative'
    """

    name: ClassVar[str] = "multiplicative"
    step: float = eqx.field(static=True, default=0.01)
    start: float = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        if not self.start > 0:
            raise ArgumentError("Multiplicative(start=0): a multiplicative rule can never leave zero; start at 1.")

    def move(self, memory, violation, smoothed):
        """Multiply; the exponent is held where floating point ends."""
        return jnp.clip(memory.value * jnp.exp(self.step * smoothed), 1e-10, 1e10)


RULES = {r.name: r for r in (AugmentedLagrangian, GradientAscent, ProportionalIntegral, Multiplicative)}
