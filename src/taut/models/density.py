"""log p(x, z) and its gradient at batches of points: compiled once, counted, and -inf where it is not finite.

Algorithms that work on whole batches of draws (starts, score regression, batch and match, the verdict) are linear
algebra of modest size around one expensive thing, the model's density. On a small problem nearly all of the time is
compilation. So the model is compiled here once, for one shape, and everything else is NumPy.
"""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.core.batch import Batch
from taut.core.blocks import in_blocks
from taut.core.cost import Ledger
from taut.core.programs import Program, Static
from taut.models.base import Model
from taut.models.target import Target

BLOCK = 32
"""Points in one call on a CPU."""
ACCELERATOR_BLOCK = 512
"""Points in one call on an accelerator, where many points cost little more than one."""
MOST_NUMBERS = 2**24
"""Largest number of points times rows in one call: each layer of a model holds that many numbers."""
PLAIN_FLOPS = 3e5
"""Largest number of floating-point operations in a call for which a plain translation is faster in all."""


class DensityValues(NamedTuple):
    """The density at S points.

    Attributes:
        value: `[S]`, log p(x, z) in nats; -inf where it or its gradient is not finite.
        gradient: `[S, D]`, gradient of `value` in z; zero where the value is -inf.
        log_likelihood: `[S]`, log p(x|z) in nats.
    """

    value: Float[np.ndarray, " S"]
    gradient: Float[np.ndarray, "S D"]
    log_likelihood: Float[np.ndarray, " S"]


class Density:
    """The joint log density of a model with one z for all rows, over unconstrained vectors.

    Args:
        model: The model.
        batch: All rows of the data; their weights and scale are applied.
        dtype: The dtype of the computation.
        ledger: Where the points are counted; its own by default.

    Attributes:
        dim: Number D of unconstrained coordinates.
        ledger: The same.
        evaluations: Number of points so far; each costs one log density over the full data, and nearly all a gradient.

    Example:
        >>> from taut.models import LogDensity, real
        >>> model = LogDensity(lambda v: -0.5 * jnp.sum(v["x"] ** 2), parameters={"x": real(2)})
        >>> density = Density(model, Batch(np.zeros((1, 0)), np.ones(1), np.ones(()), np.ones(())), np.dtype("float64"))
        >>> values = density(np.array([[1.0, 2.0]]))
        >>> float(values.value[0]), values.gradient[0].tolist()
        (-2.5, [-1.0, -2.0])
    """

    def __init__(self, model: Model, batch: Batch, dtype: np.dtype, ledger: Ledger | None = None):
        self.dim = model.dim(batch.rows)
        self.dtype = dtype
        self.evaluations = 0
        self.ledger = Ledger() if ledger is None else ledger
        block = BLOCK if jax.default_backend() == "cpu" else ACCELERATOR_BLOCK
        rows = jax.tree.leaves(batch.rows)[0].shape[0]
        self.block = int(np.clip(MOST_NUMBERS // max(rows, 1), 1, block))
        arrays, static = eqx.partition((model, batch), eqx.is_array)
        leaves, tree = jax.tree.flatten(arrays)
        with precision.context(dtype):
            self._arrays = [jnp.asarray(a, dtype if np.issubdtype(a.dtype, np.floating) else None) for a in leaves]
            shapes = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in self._arrays)
            points = jax.ShapeDtypeStruct((self.block, self.dim), dtype)
            self._program = functools.partial(_compiled, Static(static), tree, shapes, points)

    @functools.cached_property
    def _with_gradient(self) -> Any:
        with precision.context(self.dtype):
            return self._program(True)

    @functools.cached_property
    def _alone(self) -> Any:
        with precision.context(self.dtype):
            return self._program(False)

    def values(self, z: Float[np.ndarray, "S D"]) -> tuple[Float[np.ndarray, " S"], Float[np.ndarray, " S"]]:
        """log p(x, z), -inf where it is not finite, and log p(x|z) at each row of `z`: a third of the work.

        Where the gradient's program is there already no other one is compiled.
        """
        if "_with_gradient" in vars(self):
            found = self(z)
            return found.value, found.log_likelihood
        self.evaluations += len(z)
        self.ledger.add(log_densities=len(z))
        with precision.context(self.dtype):
            compiled = functools.partial(self._alone, self._arrays)
            value, log_likelihood = in_blocks(compiled, self.block, z.astype(self.dtype))
        return np.where(np.isfinite(value), value, -np.inf).astype(float), log_likelihood.astype(float)

    def __call__(self, z: Float[np.ndarray, "S D"]) -> DensityValues:
        """The density at each row of `z`."""
        self.evaluations += len(z)
        self.ledger.add(gradients=len(z))
        compiled = functools.partial(self._with_gradient, self._arrays)
        with precision.context(self.dtype):
            value, gradient, log_likelihood = in_blocks(compiled, self.block, z.astype(self.dtype))
        finite = np.isfinite(value) & np.isfinite(gradient).all(1)
        return DensityValues(
            np.where(finite, value, -np.inf).astype(float),
            np.where(finite[:, None], gradient, 0.0).astype(float),
            log_likelihood.astype(float),
        )


@functools.lru_cache(maxsize=64)
def _compiled(static: Static, tree: Any, shapes: tuple, points: Any, gradient: bool) -> Any:
    def joint(arrays, z):
        model, batch = eqx.combine(jax.tree.unflatten(tree, arrays), static.tree)
        cut = model.units(batch)
        target = Target(model, batch.rows, cut.weights[0], cut.scale[0])
        log_likelihood = target.log_likelihood(z)
        return log_likelihood + target.log_prior(z), log_likelihood

    def alone(arrays, z):
        return jax.vmap(joint, (None, 0))(arrays, z)

    def with_gradient(arrays, z):
        one = jax.value_and_grad(joint, argnums=1, has_aux=True)
        (value, log_likelihood), gradient = jax.vmap(one, (None, 0))(arrays, z)
        return value, gradient, log_likelihood

    program = Program(with_gradient if gradient else alone, list(shapes), points)
    costly = (program.lowered.lowered.cost_analysis() or {}).get("flops", 0.0) > PLAIN_FLOPS
    return program.compiled(plain=jax.default_backend() == "cpu" and not costly)
