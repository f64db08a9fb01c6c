"""Files that are written in one move, so that an interruption leaves the old file or the new one."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from taut.core.locks import opened_alone


def unfinished(path: Path) -> Path:
    """Where `path` is written before it is moved into place: what a kill leaves there, the next writing replaces."""
    return path.with_name(f".{path.name}.part")


def write_file(path: Path, write: Callable[[Any], Any]) -> None:
    """One file, moved into place when it is written: a kill leaves the old one or the new.

    Args:
        path: The path of the file; its folder must exist.
        write: Function called with the file, opened for bytes.

    Raises:
        OSError: The file cannot be written; it is named in any case.
    """
    part = unfinished(path)
    with naming(path), os.fdopen(opened_alone(part, wait=True), "wb") as file:
        try:
            file.truncate()
            write(file)
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the operating system with the name of what was to be written: a full disk has none of its own."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error
