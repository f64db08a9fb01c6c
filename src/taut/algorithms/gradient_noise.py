r"""How noisy the gradient is, from a few gradients in a row.

Let \(g_1, \ldots, g_n\) be the gradients of n steps in a row, fresh estimates with mean \(\bar g\) and total variance
v, and m their mean. While \(\bar g\) stands still over these steps,

.. math:: E \Big[\frac{1}{n-1} \sum_i |g_i - m|^2 \Big] = v, \qquad E\,|m|^2 = |\bar g|^2 + \frac{v}{n},

so that a window of n steps gives both numbers without bias. The window opens every so many steps, and the others pay
nothing for it: sums over all parameters cost a large network a tenth of a step.

Source: B. Welford, Note on a Method for Calculating Corrected Sums of Squares and Products, 1962 (the moving sums).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

WINDOW = 8
"""Steps whose gradients are compared: over so few a gradient hardly moves."""
EVERY = 128
"""Steps from the beginning of a window to the next."""
SLOW = 0.6
"""Decay of the averages that are shown, for each window."""


def steps_to_measurement(step: Int[Array, ""]) -> Int[Array, ""]:
    """Number of steps, after `step` of them, to the next whose gradient is in a window.

    Example:
        >>> [int(steps_to_measurement(jnp.asarray(step))) for step in (0, WINDOW - 1, WINDOW, EVERY - 1)]
        [1, 1, 121, 2]
    """
    place = step % EVERY
    return jnp.where(place < WINDOW, 1, EVERY - place + 1)


class Noise(NamedTuple):
    """What is kept between steps.

    Attributes:
        mean: The mean of the window's gradients so far, like the moving leaves.
        spread: Their summed squared distance from it.
        variance: The moving sum of v over windows.
        signal: The moving sum of the squared mean gradient.
        weight: The moving sum of weights by which these two are divided.
    """

    mean: Any
    spread: Float[Array, ""]
    variance: Float[Array, ""]
    signal: Float[Array, ""]
    weight: Float[Array, ""]

    @classmethod
    def start(cls, moving: Any, dtype: Any) -> "Noise":
        """The sums before the first step."""
        zero = jnp.zeros((), dtype)
        return cls(jax.tree.map(jnp.zeros_like, moving), zero, zero, zero, zero)

    def after(self, slope: Any, step: Int[Array, ""]) -> "Noise":
        """The sums after one gradient more; unchanged where `step` is in no window.

        Args:
            slope: The gradient.
            step: Number of steps before the one with this gradient.
        """
        place = step % EVERY
        return jax.lax.cond(place < WINDOW, lambda: self._within(slope, place), lambda: self)

    def _within(self, slope: Any, place: Int[Array, ""]) -> "Noise":
        """The sums after the gradient at this place of the window; the last one closes it."""
        dtype = self.weight.dtype
        share = 1 / (place + 1).astype(dtype)
        old = jax.tree.map(lambda m: jnp.where(place == 0, 0, m), self.mean)
        away = jax.tree.map(jnp.subtract, slope, old)
        mean = jax.tree.map(lambda m, d: m + (share * d).astype(m.dtype), old, away)
        spread = jnp.where(place == 0, 0, self.spread) + (1 - share) * _squared(away, dtype)
        new = self._replace(mean=mean, spread=spread)
        return jax.lax.cond(place == WINDOW - 1, new._closed, lambda: new)

    def _closed(self) -> "Noise":
        variance = self.spread / (WINDOW - 1)
        signal = _squared(self.mean, self.weight.dtype) - variance / WINDOW

        def mix(old, new):
            return SLOW * old + (1 - SLOW) * new

        return self._replace(
            variance=mix(self.variance, variance), signal=mix(self.signal, signal), weight=mix(self.weight, 1.0)
        )

    @property
    def shown(self) -> dict[str, Any]:
        """The figures of the history; NaN until the first window has closed.

        `gradient_variance` is the sum over all parameters, `signal_to_noise` the squared length of the mean gradient
        over it.
        """
        return {
            "gradient_variance": self.variance / self.weight,
            "signal_to_noise": jnp.maximum(self.signal, 0) / self.variance,
        }


def _squared(tree: Any, dtype: Any) -> Float[Array, ""]:
    """The squared length of a pytree; a product of vectors, because XLA adds one number at a time in a plain sum."""
    return sum((jnp.vdot(a, a).astype(dtype) for a in jax.tree.leaves(tree)), jnp.zeros((), dtype))
