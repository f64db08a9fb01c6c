"""Rows for the learning loop: sized batches whose order is a pure function of (seed, step)."""

import zlib
from typing import Any

import jax
import numpy as np

from taut.batch import Batch
from taut.errors import ArgumentError, DataError


class Source:
    """The rows of a data set, whole or in minibatches.

    The place in the stream is one integer, the step, so that a resumed run sees the rows that the unbroken one would
    have seen. Rows are padded to few sizes (eight an octave) with weight 0, so that folds of a cross-validation share a
    compilation. Within an epoch no row is seen twice; the last `n mod batch_size` rows of an epoch's order, others each time,
    are left out, so that every minibatch is full and unbiased.

    Args:
        rows: pytree of arrays `[n, ...]`.
        weights: `[n]`, how much each row counts; 1 by default.
        batch_size: rows for each step; None for all.
        seed: of the order.
        dtype: of the floating arrays.

    Example:
        >>> source = Source(np.arange(10.0), batch_size=4)
        >>> source.plan(0, 2).shape
        (2, 4)
    """

    def __init__(
        self,
        rows: Any,
        weights: Any = None,
        batch_size: int | None = None,
        seed: int = 0,
        dtype: Any = "float64",
    ):
        leaves = [np.asarray(a) for a in jax.tree.leaves(rows)]
        sizes = {a.shape[0] if a.ndim else None for a in leaves}
        if len(sizes) != 1 or None in sizes or 0 in sizes:
            shapes = ", ".join(str(a.shape) for a in leaves) or "no arrays"
            raise DataError(
                f"The data are {shapes}: every array must have the same, positive number of rows in front."
            )
        self.size: int = leaves[0].shape[0]
        if batch_size is not None and (not isinstance(batch_size, int) or not 1 <= batch_size <= self.size):
            raise ArgumentError(
                f"batch_size={batch_size!r}: a whole number from 1 to the {self.size} rows is needed, or None for all."
            )
        self.batch_size, self.seed, self.dtype = batch_size, seed, np.dtype(dtype)
        padding = padded_size(self.size) - self.size
        weights = np.ones(self.size) if weights is None else np.asarray(weights)
        floating = lambda a: a.astype(dtype) if np.issubdtype(a.dtype, np.floating) else a  # noqa: E731
        pad = lambda a: np.concatenate([floating(a), np.zeros((padding, *a.shape[1:]), floating(a).dtype)])  # noqa: E731
        rows = jax.tree.map(lambda a: pad(np.asarray(a)), rows)
        total = np.asarray(self.size, dtype)
        self.parent = Batch(rows, pad(weights.astype(dtype)), total, total)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which each row (but for the remainder) is seen once."""
        return 1 if self.batch_size is None else self.size // self.batch_size

    def plan(self, start: int, count: int) -> np.ndarray:
        """Row numbers of the steps `start` to `start + count - 1`: `[count, batch_size]`, or `[count, 0]` for all rows."""
        if self.batch_size is None:
            return np.zeros((count, 0), np.int32)
        rows = np.empty((count, self.batch_size), np.int32)
        order, of_epoch = None, None
        for i in range(count):
            epoch, place = divmod(start + i, self.steps_per_epoch)
            if epoch != of_epoch:
                order, of_epoch = (
                    np.random.Generator(np.random.Philox(key=[self.seed, epoch])).permutation(self.size),
                    epoch,
                )
            rows[i] = order[place * self.batch_size : (place + 1) * self.batch_size]  # pyright: ignore[reportOptionalSubscript]
        return rows

    def fingerprint(self) -> dict[str, Any]:
        """Shapes and a checksum, to tell whether a run is resumed on the same data."""
        check = 0
        for leaf in jax.tree.leaves((self.parent.rows, self.parent.weights)):
            check = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), check)
        return {"rows": self.size, "batch_size": self.batch_size, "seed": self.seed, "checksum": check}


def take(parent: Batch, rows: Any) -> Batch:
    """The batch of the parent's `rows` (`[B]` numbers; none means all); runs inside the compiled loop."""
    if rows.shape[0] == 0:
        return parent
    pick = lambda a: a[rows]  # noqa: E731
    size = np.asarray(rows.shape[0], parent.total.dtype)
    return Batch(jax.tree.map(pick, parent.rows), pick(parent.weights), size, parent.total)


def padded_size(n: int) -> int:
    """The next of eight sizes in each octave: at most an eighth of the rows is padding."""
    step = max(1, 1 << max(n.bit_length() - 4, 0))
    return -(-n // step) * step
