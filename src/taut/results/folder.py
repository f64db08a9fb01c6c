"""The folder of a run: which folders are one, and how its files are written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taut.core.files import naming, unfinished
from taut.core.locks import writing
from taut.errors import SavedFitError
from taut.learning.checkpoints import CHECKPOINT_FILE

FIT_FILE = "fit.json"
"""It says that a run has ended, as `CHECKPOINT_FILE` says that it can go on."""
ARRAYS_FILE = "arrays.npz"


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
        ArgumentError: another run is writing there.
        OSError: a file cannot be written; it is named.
    """
    if is_foreign(path):
        raise SavedFitError(f"{path} exists and is not a saved fit; it is left alone. Choose another folder.")
    staged = unfinished(path.absolute())
    with writing(path):
        shutil.rmtree(staged, ignore_errors=True)
        with naming(path):
            staged.mkdir()
        try:
            for name, write in files.items():
                with naming(path / name):
                    write(staged / name)
            with naming(path):
                path.mkdir(exist_ok=True)
            for name in files:
                with naming(path / name):
                    os.replace(staged / name, path / name)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
