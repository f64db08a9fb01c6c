"""The progress bar, in a terminal and in a notebook. A fit that ends within half a second shows none.

Where standard error is a file or a pipe, a bar would be noise. A line is written there instead after five seconds, and
again each time the fit has lasted twice as long.
"""

import sys
import time
from typing import Any

import numpy as np

PATIENCE = 0.5
"""Time before a bar appears, in seconds."""
FIRST_LINE = 5.0
"""Time before the first line where there is no terminal, in seconds."""


class ProgressBar:
    """A `learn` callback that shows steps, speed, time left and the ELBO; use it as a context.

    It is drawn on standard error, or in a notebook below the cell.

    Args:
        total: Number of steps in the budget.
        shown: Whether a bar is shown; None shows it if standard error is a terminal, and in a notebook, and writes
            lines elsewhere.
        examples: Number of images in a step, to show images per second; None shows steps per second.
    """

    def __init__(self, total: int, shown: bool | None = None, examples: int | None = None):
        self.total, self.examples = total, examples
        self.notebook = in_notebook()
        self.shown = self.notebook or sys.stderr.isatty() if shown is None else shown
        self._next_line = FIRST_LINE if shown is None and not self.shown else float("inf")
        self.begun = time.monotonic()
        self._first: tuple[int, float] | None = None
        self._bar: Any = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, made: int, history: dict[str, np.ndarray]) -> None:
        """Show where the fit is; called between chunks."""
        now = time.monotonic()
        self._first = self._first or (made, now)  # the first chunk compiles, and may go on from a checkpoint
        lasted = now - self.begun
        if lasted < (PATIENCE if self.shown else self._next_line) or not len(history["elbo"]):
            return
        recent = history["elbo"][-100:]
        text = f"{np.nanmean(recent):.2f}" if np.isfinite(recent).any() else "..."
        if not self.shown:
            self._next_line = 2 * lasted
            speed = self._speed(made, now)
            parts = (f"{made:,} of {self.total:,} steps", *([speed] if speed else ()), f"ELBO {text}")
            print(f"fitting: {', '.join(parts)}", file=sys.stderr, flush=True)
            return
        self._bar = self._bar or (NotebookBar if self.notebook else TerminalBar)(made, self.total)
        self._bar.show(made, self._speed(made, now), text)

    def _speed(self, made: int, now: float) -> str:
        assert self._first is not None
        steps, seconds = made - self._first[0], now - self._first[1]
        if steps <= 0 or seconds <= 0:
            return ""
        rate = steps / seconds
        return f"{rate * self.examples:,.0f} images/s" if self.examples else f"{rate:,.0f} steps/s"


class TerminalBar:
    """A bar on standard error, which is gone at the end.

    Args:
        made: Number of steps made so far.
        total: Number of steps in the budget.
    """

    def __init__(self, made: int, total: int):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        last = TextColumn("{task.fields[speed]}  ELBO {task.fields[elbo]}")
        columns = (TextColumn("fitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), last)
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False)
        self._task = self._bar.add_task("fit", total=total, completed=made, elbo="...", speed="")
        self._bar.start()

    def show(self, made: int, speed: str, elbo: str) -> None:
        """Drawn here and nowhere else: a thread that redraws would take time from the steps."""
        self._bar.update(self._task, completed=made, elbo=elbo, speed=speed, refresh=True)

    def stop(self) -> None:
        """Take it away."""
        self._bar.stop()


class NotebookBar:
    """A bar below the cell, which is gone at the end. That of Rich needs a library of widgets, and this one nothing.

    Args:
        made: Number of steps made so far.
        total: Number of steps in the budget.
    """

    def __init__(self, made: int, total: int):
        from IPython.display import HTML, display

        self._total, self._html = total, HTML
        self._shown: Any = display(HTML(f"fitting: {made:,} of {total:,} steps"), display_id=True)

    def show(self, made: int, speed: str, elbo: str) -> None:
        """In place of what was shown before."""
        line = f"{made:,} of {self._total:,} steps  {speed}  ELBO {elbo}"
        bar = f'<progress value="{made}" max="{self._total}" aria-label="fitting"></progress>'
        self._shown.update(self._html(f"fitting {bar} {line}"))

    def stop(self) -> None:
        """Take it away."""
        self._shown.update(self._html(""))


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
