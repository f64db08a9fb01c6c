"""Where results go: the terminal, JSON on standard output, files that are whole or not there, the folder of a run."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taut.core.files import write_file
from taut.core.locks import writing
from taut.core.plain import plain
from taut.errors import ArgumentError
from taut.learning.checkpoints import CHECKPOINT_FILE
from taut.results.folder import is_foreign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from taut.results.fit import Fit

_claims = contextlib.ExitStack()
PIPE_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, which have no width of their own."""


def show(renderable: Any) -> None:
    """Print a table on standard output."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    Console(width=width, highlight=False).print(renderable)


def show_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(plain(value), indent=2, allow_nan=False))


def write_text(path: Path, text: str) -> None:
    """Write a file in one move: it is whole or, whatever happens, as it was before."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """The same for what is no text."""
    write_file(path, lambda file: file.write(content))


def write_figure(path: Path, figure: "Figure") -> None:
    """Write a figure in the format that the file's name ends with, a .png where it has none."""
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.lstrip(".") or "png", dpi=150)
    write_bytes(path, content.getvalue())


def claim(path: Path) -> None:
    """Keep other runs of Taut from writing to a file or a folder until the command ends.

    Raises:
        ArgumentError: Another run is writing there.
    """
    _claims.enter_context(writing(path))


def release() -> None:
    """Give up what was claimed: the command has ended."""
    _claims.close()


def check_file(path: Path, *suffixes: str) -> None:
    """Refuse, before any work, a place where no file can be written, or a file of another kind; else claim it.

    Args:
        path: Path of the file, as given to --out.
        suffixes: What its name may end with, one or two; anything if there are none.

    Raises:
        typer.BadParameter: The name ends otherwise.
        ArgumentError: a folder is there, or the folder of the file is not.
    """
    if suffixes and path.suffix not in suffixes:
        kinds = f"no {suffixes[0]}" if len(suffixes) == 1 else f"neither a {' nor a '.join(suffixes)}"
        raise typer.BadParameter(f"{path} is {kinds} file; name one.", param_hint="--out")
    if path.is_dir():
        raise ArgumentError(f"--out {path} is a folder: give the path of a file in it.")
    if not path.parent.is_dir():
        raise ArgumentError(f"--out {path}: there is no folder {path.parent}. Make it first, or choose another.")
    claim(path)


def check_folder(folder: Path | None, resume: bool | None) -> None:
    """Refuse, before any work, a folder that a run cannot be kept in, or that holds another that is not finished.

    Else it is claimed until the command ends.

    Args:
        folder: Folder of the run; None where it is not kept.
        resume: Whether to go on from what is there; None if nothing was said.

    Raises:
        typer.BadParameter: Something was said of a checkpoint, and there is no folder.
        ArgumentError: a file or foreign things are in the way, an unfinished run of which nothing was said, or one that
            goes on.
    """
    if folder is None:
        if resume is None:
            return
        raise typer.BadParameter("a checkpoint lies in the folder of a run; name it with --out.", param_hint="--resume")
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise ArgumentError(f"--out {folder}: {existing} is a file, and a run is kept in a folder. Choose another.")
    if not os.access(existing, os.W_OK):
        raise ArgumentError(f"--out {folder}: nothing may be written in {existing}. Choose another folder.")
    claim(folder)
    if not folder.exists():
        return
    if is_foreign(folder):
        raise ArgumentError(f"--out {folder} holds files that are no saved fit, which are left alone. Choose another.")
    if (folder / CHECKPOINT_FILE).exists() and resume is None:
        raise ArgumentError(f"--out {folder} holds an unfinished run: --resume goes on, --no-resume begins anew.")


def save(fit: "Fit", folder: Path) -> None:
    """Save a fit in the folder of its run. The checkpoint there has done its work, unless the fit was interrupted."""
    from taut.learning.ended import Ended

    fit.save(folder)
    if fit.ended is not Ended.INTERRUPTED:
        (folder / CHECKPOINT_FILE).unlink(missing_ok=True)
