"""The course of a training in TensorBoard's files."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from taut.errors import ArgumentError


class TensorBoard:
    """A callback of `taut.fit` that writes each chunk's averages; use it as a context.

    Args:
        folder: of the event files.

    Raises:
        ArgumentError: tensorboardX is not installed.
    """

    def __init__(self, folder: Path):
        try:
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
        except ModuleNotFoundError:
            raise ArgumentError(
                "--log-dir writes for TensorBoard by tensorboardX, which is not installed: pip install "
                "'taut[tensorboard]', or leave it out."
            ) from None
        self._writer: Any = SummaryWriter(str(folder))

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._writer.close()

    def __call__(self, made: int, history: dict[str, np.ndarray]) -> None:
        """Write the averages of a chunk that ended at step `made`."""
        for name, values in history.items():
            values = np.asarray(values, float)
            if not len(values):
                continue
            mean = values.mean(axis=0)
            for place in np.ndindex(mean.shape):  # one number, or one for each constraint
                tag = name + "".join(f"/{i}" for i in place)
                self._writer.add_scalar(tag, float(mean[place]), made)
