"""How a fit ended becomes an exit code."""

from pathlib import Path
from typing import Protocol

import typer

from taut.cli.guard import INTERRUPTED, say
from taut.learning.ended import Ended

DIVERGED = 3
"""Exit code of a fit that is not usable."""


class Ending(Protocol):
    """A fit, or what was saved of how it ended."""

    @property
    def ended(self) -> Ended:
        """How it ended."""
        ...

    @property
    def ending(self) -> str:
        """The same as a line."""
        ...


def end(result: Ending, out: Path | None) -> None:
    """The exit code that says how the fit ended, and on standard error what to do about it."""
    if result.ended is Ended.DIVERGED:
        say(f"ended: {result.ending}")
        raise typer.Exit(DIVERGED)
    if result.ended is Ended.INTERRUPTED:
        say(f"ended: {result.ending}" + (f" Add --resume to go on with {out}." if out is not None else ""))
        raise typer.Exit(INTERRUPTED)
