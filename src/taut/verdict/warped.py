r"""A log density seen from the coordinates z of a bend: log p(T(z)) + log |det dT/dz|, called as a `Density` is."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from taut.algorithms.on_density.phases import draws_for
from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.compilation import Compiled
from taut.families.sinh_arcsinh import Bend
from taut.models.density import Density, DensityValues

HUGE = 1e100
"""Size from which a gradient counts as not finite."""


class WarpedDensity:
    """log p(T(z)) + log |det dT/dz| over z, called as a `Density` is.

    Args:
        density: log p(x).
        mean: `[D]`, m, in the order of the map.
        factor: `[D, D]`, the lower-triangular L.
        order: `[D]`, which coordinate of x comes first, second, ...
        bend: The map z -> y', with x = m + L y'.
    """

    def __init__(
        self,
        density: Density,
        mean: Float[np.ndarray, " D"],
        factor: Float[np.ndarray, "D D"],
        order: Int[np.ndarray, " D"],
        bend: Bend,
    ):
        self.mean, self.factor, self.order, self.bend = mean, factor, order, bend
        self.density, self.dim, self.dtype = density, density.dim, density.dtype
        self.size = draws_for(density.dim)
        self._log_det = float(np.sum(np.log(np.diag(factor))))

    @property
    def evaluations(self) -> int:
        """Points at which log p was computed so far."""
        return self.density.evaluations

    def through(self, bend: Bend) -> "WarpedDensity":
        """The same density from the coordinates of another bend."""
        return WarpedDensity(self.density, self.mean, self.factor, self.order, bend)

    def place(self, warped: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """x of y'."""
        x = np.empty_like(warped)
        x[:, self.order] = self.mean + warped @ self.factor.T
        return x

    def at_warped(self, warped: Float[np.ndarray, "S D"]) -> DensityValues:
        """The density of y' and its gradient in y'."""
        values = self.density(self.place(warped))
        with np.errstate(over="ignore", invalid="ignore"):
            return _usable(values, values.value + self._log_det, values.gradient[:, self.order] @ self.factor)

    def bent(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """y' of z."""
        return self._bent(z, np.zeros_like(z))[0]

    def draws(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """x of z."""
        return self.place(self.bent(z))

    def values(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, " S"]:
        """The density at each row of `z`, without gradients."""
        warped, log_det, _ = self._bent(z, np.zeros_like(z))
        return self.density.values(self.place(warped))[0] + self._log_det + log_det

    def __call__(self, z: Float[np.ndarray, "S D"]) -> DensityValues:
        """The density at each row of `z`."""
        warped, log_det, _ = self._bent(z, np.zeros_like(z))
        values = self.at_warped(warped)
        return _usable(values, values.value + log_det, self._bent(z, values.gradient)[2])

    def _bent(self, z, scores):
        """y', its log-determinant, and the gradient of scores . y' + log-determinant, for each row."""
        compiled = functools.partial(_bent, self.bend, plain=True)
        with precision.context(self.dtype):
            found = in_blocks(compiled, self.size, z.astype(self.dtype), scores.astype(self.dtype))
        return tuple(part.astype(float) for part in found)


def _usable(values: DensityValues, value, gradient) -> DensityValues:
    """`value` and `gradient` with -inf and zero where the gradient, or its square, is not finite."""
    good = np.isfinite(value) & (np.abs(gradient) < HUGE).all(1)
    return DensityValues(np.where(good, value, -np.inf), np.where(good[:, None], gradient, 0.0), values.log_likelihood)


def _bent_rows(bend, z, scores):
    def lifted(z, score):
        warped, log_det = bend(z)
        return jnp.dot(score, warped) + log_det, (warped, log_det)

    def one(z, score):
        pulled, (warped, log_det) = jax.grad(lifted, has_aux=True)(z, score)
        return warped, log_det, pulled

    return jax.vmap(one)(z, scores)


_bent = Compiled(_bent_rows)
