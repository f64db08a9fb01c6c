"""Rows for the learning loop: sized batches whose order is a pure function of (seed, step)."""

import zlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from taut.core.arguments import plain
from taut.core.batch import Batch
from taut.core.trees import describe
from taut.errors import ArgumentError, DataError

DEVICE_BYTES = 2 * 2**30
"""Most bytes of rows that are kept on the device; larger data are streamed."""
CHUNK_BYTES = 256 * 2**20
"""Most bytes of rows that are sent to the device at once when streaming."""


class Source:
    """The rows of a data set, whole or in minibatches.

    The place in the stream is one integer, the step, so that a resumed run sees the rows that the unbroken one would
    have seen. Rows are padded to few sizes (eight an octave) with weight 0, so that folds of a cross-validation share a
    compilation. Within an epoch no row is seen twice; the last `n mod batch_size` rows of an epoch's order, others each
    time, are left out, so that every minibatch is full and unbiased.

    Args:
        rows: pytree of arrays `[n, ...]`.
        weights: `[n]`, how much each row counts; 1 by default.
        batch_size: rows for each step; None for all.
        seed: of the order.
        dtype: of the floating arrays.
        transform: a function `(key, rows) -> rows` on each batch, compiled into the step: dynamic binarisation, or
            pixels kept as bytes.
        resident: whether all rows are kept on the device; None asks whether they fit into `DEVICE_BYTES`. Others are
            streamed, chunk by chunk.

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
        transform: Callable | None = None,
        resident: bool | None = None,
    ):
        leaves = [np.asarray(a) for a in jax.tree.leaves(rows)]
        sizes = {a.shape[0] if a.ndim else None for a in leaves}
        if len(sizes) != 1 or None in sizes or 0 in sizes:
            shapes = ", ".join(str(a.shape) for a in leaves) or "no arrays"
            raise DataError(f"The data are {shapes}: every array must have the same, positive number of rows in front.")
        self.size: int = leaves[0].shape[0]
        batch_size = plain(batch_size)
        if batch_size is not None and (not isinstance(batch_size, int) or not 1 <= batch_size <= self.size):
            raise ArgumentError(
                f"batch_size={batch_size!r}: a whole number from 1 to the {self.size} rows is needed, or None for all."
            )
        self.batch_size, self.seed, self.dtype = batch_size, seed, np.dtype(dtype)
        self.transform = transform
        nbytes = sum(a.nbytes for a in leaves)
        self.resident = batch_size is None or (nbytes <= DEVICE_BYTES if resident is None else resident)
        weights = np.ones(self.size) if weights is None else np.asarray(weights)
        # A streamed source is left as it is (it may be a memory map); a resident one is padded to one of few sizes.
        pad = self._padded if self.resident else lambda a: a
        self.rows = jax.tree.map(lambda a: pad(self._cast(np.asarray(a)) if self.resident else a), rows)
        self.weights = pad(weights.astype(dtype))
        self._on_device: Batch | None = None
        self._block: Any = None

    def _cast(self, a: np.ndarray) -> np.ndarray:
        return a.astype(self.dtype, copy=False) if np.issubdtype(a.dtype, np.floating) else a

    def _padded(self, a: np.ndarray) -> np.ndarray:
        padding = padded_size(self.size) - self.size
        return np.concatenate([a, np.zeros((padding, *a.shape[1:]), a.dtype)]) if padding else a

    @property
    def parent(self) -> Batch:
        """All rows as one batch, in host memory."""
        total = np.asarray(self.size, self.dtype)
        return Batch(self.rows, self.weights, total, total)

    @property
    def most_steps(self) -> int:
        """Most steps whose rows may be sent to the device at once."""
        if self.resident:
            return 2**30
        row = sum(np.asarray(a[:1]).nbytes for a in jax.tree.leaves(self.rows))
        return max(1, CHUNK_BYTES // max(row * (self.batch_size or 1), 1))

    def block(self, number: int, length: int) -> tuple[Batch, Any]:
        """What the `length` steps of a block need, kept on the device until another block is asked for.

        Args:
            number: of the block, whose first step is `number * length`.
            length: steps in each block.

        Returns:
            Rows, and the places in them of each step's batch, `[length, batch_size]`.
        """
        if self._block is None or self._block[0] != (number, length):
            self._block = None  # the old rows make room for the new
            self._block = ((number, length), self._sent(self.plan(number * length, length)))
        return self._block[1]

    def _sent(self, plan: np.ndarray) -> tuple[Batch, Any]:
        if self.resident:
            self._on_device = parent = self._on_device or jax.device_put(self.parent)
            return parent, jax.device_put(plan)
        needed = plan.ravel()
        rows = jax.tree.map(lambda a: self._cast(np.asarray(a[needed])), self.rows)
        total = np.asarray(self.size, self.dtype)
        places = np.arange(plan.size, dtype=np.int32).reshape(plan.shape)
        return jax.device_put((Batch(rows, self.weights[needed], total, total), places))

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which each row (but for the remainder) is seen once."""
        return 1 if self.batch_size is None else self.size // self.batch_size

    def plan(self, start: int, count: int) -> np.ndarray:
        """Row numbers of `count` steps from `start` on: `[count, batch_size]`, or `[count, 0]` for all rows."""
        if self.batch_size is None:
            return np.zeros((count, 0), np.int32)
        rows = np.empty((count, self.batch_size), np.int32)
        order, of_epoch = np.zeros(0, int), None
        for i in range(count):
            epoch, place = divmod(start + i, self.steps_per_epoch)
            if epoch != of_epoch:
                shuffle = np.random.Generator(np.random.Philox(key=[self.seed, epoch]))
                order, of_epoch = shuffle.permutation(self.size), epoch
            rows[i] = order[place * self.batch_size : (place + 1) * self.batch_size]
        return rows

    def fingerprint(self) -> dict[str, Any]:
        """Shapes and a checksum, to tell whether a run is resumed on the same data."""
        check = 0
        for leaf in jax.tree.leaves((self.rows, self.weights)):
            check = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), check)
        return {
            "rows": self.size,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "checksum": check,
            "transform": describe(self.transform),
        }


def take(parent: Batch, rows: Any, transform: Callable | None = None, key: Any = None) -> Batch:
    """The batch of the parent's `rows` (`[B]` places; none means all), transformed; runs inside the compiled loop."""
    batch = parent
    if rows.shape[0]:

        def pick(a):
            return a[rows]

        size = np.asarray(rows.shape[0], parent.total.dtype)
        batch = Batch(jax.tree.map(pick, parent.rows), pick(parent.weights), size, parent.total)
    return batch if transform is None else batch._replace(rows=transform(key, batch.rows))


def padded_size(n: int) -> int:
    """The next of eight sizes in each octave: at most an eighth of the rows is padding."""
    step = max(1, 1 << max(n.bit_length() - 4, 0))
    return -(-n // step) * step
