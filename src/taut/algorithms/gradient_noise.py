r"""How noisy the gradient is, from the moving mean that training keeps anyway.

Let m be the mean of the gradients so far with weights \(w_i \propto b^{t-i}\), and g the next one, a fresh estimate
with mean \(\bar g\) and total variance v. While \(\bar g\) stands still over the window,

.. math:: E\,|g - m|^2 = (1 + \omega)\, v, \qquad E\,[g \cdot m] = |\bar g|^2, \qquad
          \omega = \sum_i w_i^2 = \frac{1 - b}{1 + b} \cdot \frac{1 + b^t}{1 - b^t},

so that each step gives both numbers without bias. Adam keeps m itself; its b = 0.9 is a window of ten steps, over which
a gradient hardly moves. The two numbers are measured every eighth step and averaged over about a hundred steps.

Source: D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, 2015 (the moving moments and their correction).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

DECAY = 0.9
"""Decay b of the moving mean for each step, as in Adam."""
EVERY = 8
"""Steps between two measurements: their two sums over all parameters cost a large network a tenth of a step."""
SLOW = 0.92
"""Decay of the averages that are shown, for each measurement."""


class Noise(NamedTuple):
    """The moving sums that are kept between steps.

    Attributes:
        mean: The moving sum behind m, like the moving leaves; None where the optimizer's own is used.
        variance: The moving sum of v.
        signal: The moving sum of the squared mean gradient.
        weight: The moving sum of weights by which these two are divided.
    """

    mean: Any
    variance: Float[Array, ""]
    signal: Float[Array, ""]
    weight: Float[Array, ""]

    @classmethod
    def start(cls, moving: Any, kept: bool, dtype: Any) -> "Noise":
        """The sums before the first step; with a mean of its own unless one is `kept` elsewhere."""
        zero = jnp.zeros((), dtype)
        return cls(None if kept else jax.tree.map(jnp.zeros_like, moving), zero, zero, zero)

    def after(self, slope: Any, kept: Any, step: Any) -> "Noise":
        """The sums after one gradient more.

        Args:
            slope: The gradient.
            kept: The optimizer's moving sum before this gradient; None to take its own.
            step: Number of steps before this one.
        """
        before, mean = self.mean if kept is None else kept, self.mean
        if mean is not None:
            mean = jax.tree.map(lambda m, g: (DECAY * m + (1 - DECAY) * g).astype(m.dtype), mean, slope)
        sums = (self.variance, self.signal, self.weight)

        def measured():
            return _averaged(sums, *_measured(slope, before, step, self.weight.dtype))

        return Noise(mean, *jax.lax.cond((step % EVERY == 1) & (step > 0), measured, lambda: sums))

    @property
    def shown(self) -> dict[str, Any]:
        """The figures of the history; NaN at the first step, which has nothing to be compared with.

        `gradient_variance` is the sum over all parameters, `signal_to_noise` the squared length of the mean gradient
        over it.
        """
        return {
            "gradient_variance": self.variance / self.weight,
            "signal_to_noise": jnp.maximum(self.signal, 0) / self.variance,
        }


def _averaged(before, variance, signal):
    def mix(old, new):
        return SLOW * old + (1 - SLOW) * new

    return mix(before[0], variance), mix(before[1], signal), mix(before[2], 1.0)


def _measured(slope: Any, moving_sum: Any, step: Any, dtype: Any) -> tuple[Any, Any]:
    """v and the squared mean gradient, from this gradient and the moving sum before it."""
    old = DECAY ** step.astype(dtype)
    omega = (1 - DECAY) / (1 + DECAY) * (1 + old) / (1 - old)
    away = jax.tree.map(lambda g, m: jnp.sum((g - m / (1 - old).astype(m.dtype)) ** 2), slope, moving_sum)
    along = jax.tree.map(lambda g, m: jnp.sum(g * m), slope, moving_sum)

    def total(tree):
        return sum((a.astype(dtype) for a in jax.tree.leaves(tree)), jnp.zeros((), dtype))

    return total(away) / (1 + omega), total(along) / (1 - old)
