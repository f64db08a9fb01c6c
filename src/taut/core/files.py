"""Files and folders that are whole or, whatever happens, as they were before; and which folders are a run's."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taut.errors import SavedFitError

FIT_FILE, CHECKPOINT_FILE = "fit.json", "checkpoint.npz"
"""Either says that a folder is a run's: the first that it ended, the second that it can go on."""


def unfinished(path: Path) -> Path:
    """Where `path` is written before it is moved into place: what a kill leaves there, the next writing replaces."""
    return path.with_name(f".{path.name}.part")


def write_file(path: Path, write: Callable[[Any], Any]) -> None:
    """One file, moved into place when it is written: a kill leaves the old one or the new.

    Args:
        path: of the file; the folder must be there.
        write: called with the file, opened for bytes.

    Raises:
        OSError: it cannot be written.
    """
    part = unfinished(path)
    try:
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def is_foreign(folder: Path) -> bool:
    """Whether nothing may be written into `folder`: it is a file, or holds files and none that says it is a run's.

    Args:
        folder: may be missing.
    """
    if not folder.is_dir():
        return folder.exists()
    marks = {name for mark in (FIT_FILE, CHECKPOINT_FILE) for name in (mark, unfinished(folder / mark).name)}
    found = {p.name for p in folder.iterdir()}
    return bool(found) and not found & marks


def write_folder(path: Path, files: dict[str, Callable[[Path], Any]]) -> None:
    """A folder whose files come from the callables in `files`, moved into place when all are written.

    Other files in the folder are left where they are: each new file replaces its old one in a single move.

    Args:
        path: the folder.
        files: writers by file name, each called with a path; the last is moved last, and marks the folder as complete.

    Raises:
        SavedFitError: something that is not a run is in the way.
    """
    if is_foreign(path):
        raise SavedFitError(f"{path} exists and is not a saved fit; it is left alone. Choose another folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = unfinished(path)
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    try:
        for name, write in files.items():
            write(staged / name)
        path.mkdir(exist_ok=True)
        for name in files:
            os.replace(staged / name, path / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
