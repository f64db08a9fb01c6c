"""Coefficients that change with the step: functions of the saved step, so that a resumed run goes on where it was."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from taut.core.arguments import plain
from taut.errors import ArgumentError


class Schedule(eqx.Module):
    """A coefficient as a function of the step.

    Attributes:
        steps: Step at which it reaches its final value, 0 for a constant; a training that ends before is refused.
    """

    steps: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, step: Any) -> Any:
        """The coefficient at `step`."""

    @property
    def final(self) -> float:
        """The coefficient from step `steps` on."""
        return float(self(self.steps))

    def check(self, budget: int) -> None:
        """Refuse a training of `budget` steps that would end before the final value, and so maximise something else.

        Raises:
            ArgumentError: with both numbers.
        """
        if self.steps > budget:
            raise ArgumentError(
                f"The schedule {self} reaches its final value at step {self.steps} and training ends at step "
                f"{budget}: the model would be trained "
                f"on another objective than asked for. Take a schedule of at most {budget} steps, or train longer."
            )


class Constant(Schedule):
    """The same coefficient at every step.

    Attributes:
        coefficient: A number, which may be traced.
    """

    steps: ClassVar[int] = 0
    coefficient: Any

    def __call__(self, step):
        """The coefficient, whatever the step."""
        return self.coefficient


class _Ramp(Schedule):
    """From `start` to `end` in `steps` steps.

    Attributes:
        steps: Step at which `end` is reached.
        start: Coefficient before the first step.
        end: Coefficient from step `steps` on.
    """

    steps: int = eqx.field(static=True, default=1000, converter=plain)
    start: float = eqx.field(static=True, default=0.0, converter=plain)
    end: float = eqx.field(static=True, default=1.0, converter=plain)

    def __check_init__(self):
        if not isinstance(self.steps, int) or self.steps < 1:
            raise ArgumentError(f"steps={self.steps!r}: a positive whole number is needed.")

    @abc.abstractmethod
    def risen(self, step: Any) -> Any:
        """The part of the way from `start` to `end` that is made at `step`, 0 to 1."""

    def __call__(self, step):
        """The coefficient at `step`."""
        return self.start + (self.end - self.start) * self.risen(step)


class Linear(_Ramp):
    """From `start` to `end` along a straight line.

    Example:
        >>> float(Linear(steps=10)(5))
        0.5
    """

    def risen(self, step):
        """The part of the steps that is made."""
        return jnp.clip(step / self.steps, 0.0, 1.0)


class Cosine(_Ramp):
    """From `start` to `end` along half a cosine.

    Example:
        >>> round(float(Cosine(steps=10)(5)), 6)
        0.5
    """

    def risen(self, step):
        """Slow, fast, slow."""
        return 0.5 * (1 - jnp.cos(jnp.pi * jnp.clip(step / self.steps, 0.0, 1.0)))


class Cyclical(_Ramp):
    """`cycles` linear ramps from `start` to `end`, each then held for the rest of its cycle; `end` after the last.

    Attributes:
        cycles: Number of cycles.
        ramp: Part of each cycle that rises.

    Source: H. Fu et al., Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing, 2019.

    Example:
        >>> [round(float(Cyclical(steps=8, cycles=2)(s)), 3) for s in (0, 1, 2, 4, 5, 8)]
        [0.0, 0.5, 1.0, 0.0, 0.5, 1.0]
    """

    cycles: int = eqx.field(static=True, default=4, converter=plain)
    ramp: float = eqx.field(static=True, default=0.5, converter=plain)

    def __check_init__(self):
        if self.cycles < 1 or not 0 < self.ramp <= 1:
            raise ArgumentError(
                f"Cyclical(cycles={self.cycles}, ramp={self.ramp}): at least one cycle, and a ramp in (0, 1]."
            )

    def risen(self, step):
        """The way made in this cycle."""
        length = self.steps / self.cycles
        place = jnp.mod(step, length) / length
        return jnp.where(step >= self.steps, 1.0, jnp.minimum(place / self.ramp, 1.0))
