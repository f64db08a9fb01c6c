"""Threads of linear algebra: on small matrices they wait for each other, and double the CPU seconds."""

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

SMALL = 2000
"""Rows of a matrix up to which several threads gain less than they cost: five times the CPU seconds at 1,000 rows."""


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController  # comes with scikit-learn

    return ThreadpoolController()


def threads_for(rows: int) -> AbstractContextManager[Any]:
    """Within it BLAS works on one thread if the largest matrix has so few rows, and else as it did.

    Example:
        >>> with threads_for(10):
        ...     pass
    """
    return _controller().limit(limits=1, user_api="blas") if rows <= SMALL else nullcontext()
