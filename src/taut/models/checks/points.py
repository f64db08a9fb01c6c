"""A log density and its gradient at many points at a time, its terms apart, compiled once."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.compilation import Compiled
from taut.core.trees import cast

BLOCK = 32
"""Points in one compiled call."""
AXES = 64
"""Most coordinates that are looked at one by one."""


class Seen(NamedTuple):
    """What is known at S points.

    Attributes:
        density: `[S]`, of the constrained values, in nats.
        gradient: `[S, D]`, of it in z.
        log_jacobian: `[S]`, of z -> values.
        volume_gradient: `[S, D]`, of it in z.
        again: `[S, D]`, z after the round trip through the constrained values.
    """

    density: np.ndarray
    gradient: np.ndarray
    log_jacobian: np.ndarray
    volume_gradient: np.ndarray
    again: np.ndarray

    @property
    def finite(self) -> np.ndarray:
        """Where density and gradient are finite."""
        return np.isfinite(self.density + self.log_jacobian) & np.isfinite(self.gradient + self.volume_gradient).all(1)


@Compiled
def _at(model: Any, rows: Any, points: Any) -> Any:
    def density(z):
        values, _ = model.parameters.constrain(z)
        value = jnp.sum(model.log_likelihood(z, rows))
        return value + (model.prior.log_density(values) if model.by_rows else 0.0)

    def one(z):
        again = model.parameters.to_vector(model.parameters.constrain(z)[0])
        volume = jax.value_and_grad(lambda z: model.parameters.constrain(z)[1])(z)
        return *jax.value_and_grad(density)(z), *volume, again

    return jax.vmap(one)(points)


class Look:
    """A log density that can be looked at, many points at a time, and that counts."""

    def __init__(self, model: Any, rows: Any, dtype: Any):
        self.dtype = precision.resolve(dtype)
        self.model, self.rows = cast(model, self.dtype), cast(jax.tree.map(np.asarray, rows), self.dtype)
        self.axes = model.parameters.coordinates()
        self.evaluations = 0

    def __call__(self, z: np.ndarray) -> Seen:
        """All that is known at the rows of `z`."""
        self.evaluations += len(z)
        padded = np.concatenate([z, np.repeat(z[-1:], -len(z) % BLOCK, axis=0)]).astype(self.dtype)
        with precision.context(self.dtype), np.errstate(all="ignore"):
            blocks = [
                _at(self.model, self.rows, padded[i : i + BLOCK], plain=True) for i in range(0, len(padded), BLOCK)
            ]
        return Seen(*(np.concatenate([np.asarray(b[i], float) for b in blocks])[: len(z)] for i in range(5)))


def listed(names: Any) -> str:
    """A few names, and how many more."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
