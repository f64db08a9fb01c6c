r"""A Gaussian whose first coordinates are bent, each by a monotone map of its own.

    x = m + L y,    y_k = f_k(z_k) for the first B coordinates,    y_k = z_k for all others,    z ~ N(0, I).

f_k is a cubic Hermite spline through its values and slopes at fixed knots, and a straight line beyond them. Through
f_k(z) = F_k^-1(Phi(z)) the coordinate y_k has any distribution function F_k that is wanted, with Gaussian tails.

Source: F. Fritsch, R. Carlson, Monotone Piecewise Cubic Interpolation, 1980 (the slopes that keep it monotone).
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.triangular import solve_lower
from taut.families.base import Distribution
from taut.families.full_rank import FullRank

KNOTS = np.linspace(-5, 5, 41)
STEP = float(KNOTS[1] - KNOTS[0])
STEEPEST = 3.0
"""Largest slope at a knot, in slopes of the chords beside it, at which a cubic is sure to be monotone."""
BISECTIONS = 45
"""Halvings by which a map is inverted within a step, to rounding."""


class BentCoordinates(Distribution):
    """A Gaussian with bent coordinates.

    Attributes:
        frame: The Gaussian N(m, L L') of the coordinates in `order`.
        order: `[D]`, the coordinate of x that comes first, second, ...; those that are bent come first.
        values: `[B, knots]`, f_k at the knots.
        slopes: `[B, knots]`, its slopes there.
    """

    name: ClassVar[str] = "bent coordinates"
    frame: FullRank
    order: Int[np.ndarray, " D"]
    values: Float[Array, "B knots"]
    slopes: Float[Array, "B knots"]

    @classmethod
    def around(cls, mean, sd=1.0) -> "BentCoordinates":
        """A Gaussian with independent coordinates, none of which is bent."""
        mean = np.asarray(mean, float)
        frame = FullRank.around(mean, sd)
        return cls(frame, np.arange(mean.size), np.zeros((0, len(KNOTS))), np.zeros((0, len(KNOTS))))

    @property
    def phrase(self) -> str:
        """Within a sentence."""
        return "bent Gaussian"

    @property
    def dim(self) -> int:
        """Length of x."""
        return self.order.shape[0]

    @property
    def offers(self):
        """Draws that follow the parameters, one normal number a coordinate, and a closed density."""
        return frozenset({Capability.REPARAMETRISED, Capability.NORMAL_NOISE, Capability.UNIFORM_NOISE})

    def noise(self, key) -> Float[Array, " D"]:
        """Standard normal numbers, one a coordinate."""
        return self.frame.noise(key)

    def noise_at(self, uniform: Float[Array, " D"]) -> Float[Array, " D"]:
        """The normal quantiles of numbers in (0, 1)."""
        return self.frame.noise_at(uniform)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw that `noise` gives."""
        return self.sample_and_log_prob(noise)[0]

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density, by the Jacobian of the way there."""
        count = len(self.values)
        bent, log_slope = jax.vmap(along)(noise[:count], self.values, self.slopes)
        x = self.frame.sample(jnp.concatenate([bent, noise[count:]]))
        log_det = jnp.sum(log_slope) + jnp.sum(self.frame.log_diagonal)
        return jnp.zeros_like(x).at[self.order].set(x), jnp.sum(-0.5 * noise**2 - 0.5 * LOG_2PI) - log_det

    def log_prob(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(x), in nats, by the way back."""
        count = len(self.values)
        y = solve_lower(self.frame.factor, x[self.order] - self.frame.mean)
        z = jnp.concatenate([jax.vmap(back)(y[:count], self.values, self.slopes), y[count:]])
        return self.sample_and_log_prob(z)[1]


def along(z: Float[Array, ""], values: Float[Array, " knots"], slopes: Float[Array, " knots"]):
    """f(z) and log f'(z)."""
    at = jnp.clip(jnp.floor((z - KNOTS[0]) / STEP).astype(int), 0, len(KNOTS) - 2)
    inside = jnp.clip((z - KNOTS[0]) / STEP - at, 0.0, 1.0)
    value, slope = _cubic(inside, values[at], values[at + 1], slopes[at] * STEP, slopes[at + 1] * STEP)
    slope = slope / STEP
    return value + slope * (z - (KNOTS[0] + STEP * (at + inside))), jnp.log(slope)


def back(y: Float[Array, ""], values: Float[Array, " knots"], slopes: Float[Array, " knots"]) -> Float[Array, ""]:
    """The z with f(z) = y."""
    at = jnp.clip(jnp.searchsorted(values, y, side="right") - 1, 0, len(KNOTS) - 2)
    ends = values[at], values[at + 1], slopes[at] * STEP, slopes[at + 1] * STEP

    def halved(_, bounds):
        middle = 0.5 * (bounds[0] + bounds[1])
        below = _cubic(middle, *ends)[0] < y
        return jnp.where(below, middle, bounds[0]), jnp.where(below, bounds[1], middle)

    low, high = jax.lax.fori_loop(0, BISECTIONS, halved, (jnp.zeros_like(y), jnp.ones_like(y)))
    z = KNOTS[0] + STEP * (at + 0.5 * (low + high))
    first, last = KNOTS[0] + (y - values[0]) / slopes[0], KNOTS[-1] + (y - values[-1]) / slopes[-1]
    return jnp.where(y < values[0], first, jnp.where(y > values[-1], last, z))


def _cubic(t, left, right, slope_left, slope_right):
    """The cubic Hermite polynomial on [0, 1] and its slope."""
    rise = right - left
    bend, twist = 3 * rise - 2 * slope_left - slope_right, slope_left + slope_right - 2 * rise
    return left + t * (slope_left + t * (bend + t * twist)), slope_left + t * (2 * bend + 3 * t * twist)


def monotone(
    values: Float[np.ndarray, "B knots"], slopes: Float[np.ndarray, "B knots"]
) -> Float[np.ndarray, "B knots"]:
    """The slopes, none steeper than keeps every cubic monotone."""
    chords = np.diff(values, axis=1) / STEP
    wide = np.pad(chords, ((0, 0), (1, 1)), mode="edge")
    return np.minimum(slopes, STEEPEST * np.minimum(wide[:, 1:], wide[:, :-1]))
