"""The terms of a user's log density at many points at a time, for checks before any fitting.

`taut.models.density.Density` is another class, because it serves another purpose. It gives the sum of the terms and
marks what is not finite, so that algorithms can go on. A check asks for the density of the constrained values and the
log-Jacobian apart, unmarked, and for the round trip through the constrained values. Computed together they would be
rounded otherwise, and each fit would compile what only a check needs.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.programs import Shared
from taut.core.trees import cast

BLOCK = 32
"""Number of points in one compiled call."""
AXES = 64
"""Largest number of coordinates that are checked one by one."""


class TermValues(NamedTuple):
    """The terms of a log density at S points z.

    Attributes:
        density: `[S]`, log density of the constrained values, in nats.
        gradient: `[S, D]`, gradient of `density` in z.
        log_jacobian: `[S]`, log-Jacobian of z -> values, in nats.
        volume_gradient: `[S, D]`, gradient of `log_jacobian` in z.
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


@Shared
def _terms(model: Any, rows: Any, points: Any) -> Any:
    def density(z):
        values, _ = model.parameters.constrain(z)
        value = jnp.sum(model.log_likelihood(z, rows))
        return value + (model.prior.log_density(values) if model.by_rows else 0.0)

    def one(z):
        again = model.parameters.to_vector(model.parameters.constrain(z)[0])
        volume = jax.value_and_grad(lambda z: model.parameters.constrain(z)[1])(z)
        return *jax.value_and_grad(density)(z), *volume, again

    return jax.vmap(one)(points)


class DensityTerms:
    """The terms of a log density, over batches of unconstrained vectors.

    Args:
        model: The log density.
        rows: Its data, for the form by rows.
        dtype: The dtype of the computation.

    Attributes:
        axes: Name and support of each unconstrained coordinate.
        evaluations: Number of points so far.
    """

    def __init__(self, model: Any, rows: Any, dtype: Any):
        self.dtype = precision.resolve(dtype)
        self.model, self.rows = cast(model, self.dtype), cast(jax.tree.map(np.asarray, rows), self.dtype)
        self.axes = model.parameters.coordinates()
        self.evaluations = 0

    def __call__(self, z: np.ndarray) -> TermValues:
        """The terms at each row of `z`."""
        self.evaluations += len(z)
        compiled = functools.partial(_terms, self.model, self.rows, plain=True)
        with precision.context(self.dtype), np.errstate(all="ignore"):
            terms = in_blocks(compiled, BLOCK, z.astype(self.dtype))
        return TermValues(*(term.astype(float) for term in terms))


def listed(names: Any) -> str:
    """The first five of some names, and how many more there are."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
