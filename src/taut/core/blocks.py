"""Functions of many points, called for one fixed number of points at a time, so that one shape is compiled."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def in_blocks(function: Callable[..., Sequence[Any]], size: int, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """The results of `function` at all points, computed in blocks of `size` points.

    The last block is filled up with copies of the last point, whose results are dropped.

    Args:
        function: A function of arrays `[size, ...]` that returns several arrays `[size, ...]`.
        size: Number of points in a block.
        arrays: The arguments at all points, `[S, ...]` each, with S of at least one.

    Returns:
        Each result at all points, `[S, ...]`.

    Example:
        >>> in_blocks(lambda x: (x + 1, -x), 2, np.array([1.0, 2.0, 3.0]))
        (array([2., 3., 4.]), array([-1., -2., -3.]))
    """
    count = len(arrays[0])
    missing = -count % size
    filled = [np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) for array in arrays]
    blocks = [function(*(array[i : i + size] for array in filled)) for i in range(0, count + missing, size)]
    return tuple(np.concatenate([np.asarray(part) for part in parts])[:count] for parts in zip(*blocks, strict=True))
