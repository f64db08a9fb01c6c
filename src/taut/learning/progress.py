"""The progress bar. A fit that ends within half a second shows none and does not load its library."""

import sys
import time
from typing import Any

import numpy as np

PATIENCE = 0.5
"""Time before a bar appears, in seconds."""


class ProgressBar:
    """A `learn` callback that shows steps, speed, time left and the ELBO on standard error; use it as a context.

    Args:
        total: Number of steps in the budget.
        shown: Whether a bar is shown; None shows it if standard error is a terminal.
        examples: Number of images in a step, to show images per second; None shows steps per second.
    """

    def __init__(self, total: int, shown: bool | None = None, examples: int | None = None):
        self.total, self.examples = total, examples
        self.shown = sys.stderr.isatty() if shown is None else shown
        self.begun = time.monotonic()
        self._first: tuple[int, float] | None = None
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, made: int, history: dict[str, np.ndarray]) -> None:
        """Show where the fit is; called between chunks."""
        now = time.monotonic()
        self._first = self._first or (made, now)  # the first chunk compiles, and may go on from a checkpoint
        if not self.shown or now - self.begun < PATIENCE or not len(history["elbo"]):
            return
        bar = self._bar or self._open(made)
        recent = history["elbo"][-100:]
        text = f"{np.nanmean(recent):.2f}" if np.isfinite(recent).any() else "..."
        # Drawn here and nowhere else: a thread that redraws would take time from the steps.
        bar.update(self._task, completed=made, elbo=text, speed=self._speed(made, now), refresh=True)

    def _speed(self, made: int, now: float) -> str:
        assert self._first is not None
        steps, seconds = made - self._first[0], now - self._first[1]
        if steps <= 0 or seconds <= 0:
            return ""
        rate = steps / seconds
        return f"{rate * self.examples:,.0f} images/s" if self.examples else f"{rate:,.0f} steps/s"

    def _open(self, made: int) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        last = TextColumn("{task.fields[speed]}  ELBO {task.fields[elbo]}")
        columns = (TextColumn("fitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), last)
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        self._task = self._bar.add_task("fit", total=self.total, completed=made, elbo="...", speed="")
        self._bar.start()
        return self._bar
