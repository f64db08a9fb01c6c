r"""How noisy the gradient is, from the moving mean that training keeps anyway.

Let m be the mean of the gradients so far with weights \(w_i \propto b^{t-i}\), and g the next one, a fresh estimate
with mean \(\bar g\) and total variance v. While \(\bar g\) stands still over the window,

.. math:: E\,|g - m|^2 = (1 + \omega)\, v, \qquad E\,[g \cdot m] = |\bar g|^2, \qquad
          \omega = \sum_i w_i^2 = \frac{1 - b}{1 + b} \cdot \frac{1 + b^t}{1 - b^t},

so that each step gives both numbers without bias. Adam keeps m itself; its b = 0.9 is a window of ten steps, over which
a gradient hardly moves. It is looked at every eighth step, and what is seen is averaged over about a hundred.

Source: D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, 2015 (the moving moments and their correction).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

DECAY = 0.9
"""Of the mean: Adam's own."""
EVERY = 8
"""Steps between two looks: two sums over all parameters cost a large network a tenth of a step."""
SLOW = 0.92
"""Of what is shown, for each look."""


class Noise(NamedTuple):
    """What is kept between steps.

    Attributes:
        mean: the moving sum behind m, like the moving leaves; None where the optimizer's own is used.
        variance: the moving sum of v.
        signal: the moving sum of the squared mean gradient.
        weight: what these two have to be divided by.
    """

    mean: Any
    variance: Float[Array, ""]
    signal: Float[Array, ""]
    weight: Float[Array, ""]

    @classmethod
    def start(cls, moving: Any, kept: bool, dtype: Any) -> "Noise":
        """Before the first step; with a mean of its own unless one is `kept` elsewhere."""
        zero = jnp.zeros((), dtype)
        return cls(None if kept else jax.tree.map(jnp.zeros_like, moving), zero, zero, zero)

    def after(self, slope: Any, kept: Any, step: Any) -> "Noise":
        """After one gradient more.

        Args:
            slope: the gradient.
            kept: the optimizer's moving sum before this gradient; None to take its own.
            step: steps before this one.
        """
        before, mean = self.mean if kept is None else kept, self.mean
        if mean is not None:
            mean = jax.tree.map(lambda m, g: (DECAY * m + (1 - DECAY) * g).astype(m.dtype), mean, slope)
        seen = (self.variance, self.signal, self.weight)

        def look():
            return _averaged(seen, *_seen(slope, before, step, self.weight.dtype))

        return Noise(mean, *jax.lax.cond((step % EVERY == 1) & (step > 0), look, lambda: seen))

    @property
    def shown(self) -> dict[str, Any]:
        """What history carries; NaN at the first step, which has nothing to be compared with.

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


def _seen(slope: Any, moving_sum: Any, step: Any, dtype: Any) -> tuple[Any, Any]:
    """v and the squared mean gradient, by this gradient and the moving sum before it."""
    old = DECAY ** step.astype(dtype)
    omega = (1 - DECAY) / (1 + DECAY) * (1 + old) / (1 - old)
    away = jax.tree.map(lambda g, m: jnp.sum((g - m / (1 - old).astype(m.dtype)) ** 2), slope, moving_sum)
    along = jax.tree.map(lambda g, m: jnp.sum(g * m), slope, moving_sum)

    def total(tree):
        return sum((a.astype(dtype) for a in jax.tree.leaves(tree)), jnp.zeros((), dtype))

    return total(away) / (1 + omega), total(along) / (1 - old)
