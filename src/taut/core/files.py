"""Files that are written in one move, so that an interruption leaves the old file or the new one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def unfinished(path: Path) -> Path:
    """Where `path` is written before it is moved into place: what a kill leaves there, the next writing replaces."""
    return path.with_name(f".{path.name}.part")


def write_file(path: Path, write: Callable[[Any], Any]) -> None:
    """One file, moved into place when it is written: a kill leaves the old one or the new.

    Args:
        path: The path of the file; its folder must exist.
        write: Function called with the file, opened for bytes.

    Raises:
        OSError: The file cannot be written.
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
