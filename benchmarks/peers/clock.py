"""What every entrant of the race shares: read the task, time the calls, write the answer. It imports numpy alone."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Answer = tuple[Any, Any]
"""A Gaussian: mean [D] and factor L [D, D], or [D] where the covariance LL' is diagonal."""


def serve(fitter: Callable[..., Callable[[], Answer]], tracer: Callable[..., tuple] | None = None) -> None:
    """Run the task in `sys.argv[1]`, one JSON object, and write `out`, one `.npz` file.

    Imports lie behind us when this is called, and `fitter` only states the problem; a call's clock covers everything
    from there to parameters that can be read: compilation in the first call, the steps in every one. Judging an answer
    is left to the reader of `out`.

    Args:
        fitter: `(X, y, family, **settings) -> call`; `call()` fits anew from the start.
        tracer: `(X, y, family, **settings) -> (steps [T], mean [T, D], factor [T, ...])`, the same run watched.
    """
    task = json.loads(sys.argv[1])
    with np.load(task["data"]) as file:
        X, y = file["X"], file["y"]
    if task["trace"]:
        assert tracer is not None
        steps, mean, factor = tracer(X, y, task["family"], **task["settings"])
        np.savez(task["out"], steps=steps, mean=mean, factor=factor)
        return
    call = fitter(X, y, task["family"], **task["settings"])
    seconds = []
    for _ in range(task["calls"]):
        begun = time.perf_counter()
        mean, factor = call()
        seconds.append(time.perf_counter() - begun)
    np.savez(task["out"], seconds=seconds, mean=mean, factor=factor)


def design(X: np.ndarray) -> np.ndarray:
    """`[n, 1 + d]`: a column of ones, then the columns of X at mean 0 and population standard deviation 1."""
    return np.column_stack([np.ones(len(X)), (X - X.mean(0)) / X.std(0)])
