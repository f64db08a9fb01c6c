"""Distances of an estimator's gradients, and of their means, from the exact gradient."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, PRNGKeyArray

from taut.choosing.meter import WARM_UP, Accumulator, Batches, GradientMoments, accumulate
from taut.core import precision
from taut.core.batch import Batch
from taut.core.trees import cast
from taut.data.source import Source, take
from taut.problem import Problem, statistics_like

MEANS = 32
"""Least number of means of the largest size. Their spread tells how well the slope is known."""


class Errors(NamedTuple):
    """Distances of one estimator's gradients from the exact one, over M groups of N gradients.

    Attributes:
        mean: Mean of all gradients minus the exact gradient, `[P]`.
        standard_error: Standard error of that mean, `[P]`.
        squared: Mean squared distance of the means of 1, 2, 4, ..., N gradients in each group, `[M, S]`.
    """

    mean: np.ndarray
    standard_error: np.ndarray
    squared: np.ndarray


class IndependentBatches(Batches):
    """Batches that are drawn anew for each gradient.

    Planned batches would not do: within an epoch they share no row, so that their mean has less noise than that of
    independent batches.

    Attributes:
        parent: The rows.
        total: Number of rows that are no padding.
        size: Rows in each batch; None for all.
    """

    parent: Batch
    total: int
    size: int | None

    def at(self, key: PRNGKeyArray, i: Int[Array, ""]) -> Batch:
        """A batch of rows drawn without replacement."""
        if self.size is None:
            return self.parent
        return take(self.parent, jax.random.choice(key, self.total, (self.size,), replace=False))


class Distances(Accumulator):
    """Distances from the exact gradient of single gradients and of means of 1, 2, 4, ..., N of them.

    Attributes:
        exact: The exact gradient, `[P]`.
        off: GradientMoments of gradient minus exact gradient, `[P]`.
        sums: Gradient minus exact gradient, summed since the last full mean of each size, `[S, P]`.
        squared: Mean squared distance of the means of each size in each group of N gradients, `[M, S]`.
    """

    exact: Float[Array, " P"]
    off: GradientMoments
    sums: Float[Array, "S P"]
    squared: Float[Array, "M S"]

    @classmethod
    def from_exact(cls, exact: Float[np.ndarray, " P"], groups: int, sizes: int) -> "Distances":
        """The distances of no gradient, for so many groups and sizes of means."""
        sums, squared = (np.zeros((n, m), exact.dtype) for n, m in ((sizes, exact.size), (groups, sizes)))
        return cls(exact, GradientMoments.start(exact), sums, squared)

    def add(self, i: Int[Array, ""], gradient: Any) -> "Distances":
        """The distances after one gradient more; beyond the last group only the moments change."""
        off = ravel_pytree(gradient)[0] - self.exact
        sizes = 2 ** np.arange(self.sums.shape[0])
        sums = self.sums + off[None]
        full = (i + 1) % sizes == 0
        distances = jnp.sum((sums / sizes[:, None]) ** 2, axis=1)
        share = jnp.where(full, distances * (sizes / sizes[-1]).astype(off.dtype), 0)
        return Distances(
            self.exact,
            self.off.add(i, off),
            jnp.where(full[:, None], 0, sums),
            self.squared.at[i // sizes[-1]].add(share, mode="drop"),
        )


def errors_of(problem: Problem, source: Source, exact: Any, repeats: int, seed: int = 0) -> Errors:
    """The distances of at least half of `repeats` gradients from the exact one, where the problem's family stands."""
    sizes = int(np.log2(repeats // MEANS)) + 1
    N = 2 ** (sizes - 1)
    M = repeats // N
    with precision.context(source.dtype):
        problem = cast(problem, source.dtype)
        batches = IndependentBatches(jax.device_put(source.parent), source.size, source.batch_size)
        truth = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(exact)]).astype(source.dtype)
        nothing = Distances.from_exact(truth, M, sizes)
        memory = problem.gradient.init(statistics_like(problem, source.dtype))
        at_start = (problem.objective.init(), np.int32(0))

        def run(memory, count, stream):
            key = jax.random.fold_in(jax.random.key(seed), stream)
            return accumulate(problem, batches, key, at_start, (nothing, memory), np.int32(0), np.int32(count))

        if jax.tree.leaves(memory):
            _, memory = run(memory, -(-WARM_UP // N) * N, 1)
        seen, _ = run(memory, M * N, 2)
        variance = seen.off.variance(M * N)
    return Errors(np.asarray(seen.off.mean), np.sqrt(variance / (M * N)), np.asarray(seen.squared))
