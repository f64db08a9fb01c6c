"""One writer at a time in a folder or to a file.

A lock is the operating system's (`flock`) on a file that only Taut opens. It ends with its process, however that ends,
so that what a killed run leaves behind is in nobody's way. Where there is no such lock (Windows, some network file
systems) nothing is locked.
"""

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from taut.errors import ArgumentError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TAKEN = (errno.EAGAIN, errno.EACCES)
_held: dict[Path, tuple[int, int]] = {}
"""What is held, by which process and thread: a fork and another thread hold nothing."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold `path` for writing; whoever holds it already may hold it once more.

    Args:
        path: A folder or a file, which may be missing. Its lock file lies beside it and is removed at the end.

    Raises:
        ArgumentError: Another process, or another thread of this one, is writing there.
    """
    place, me = path.resolve(), (os.getpid(), threading.get_ident())
    if _held.get(place) == me or not place.name:
        yield
        return
    missing = [parent for parent in place.parents if not parent.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.with_name(f".{place.name}.lock")
    try:
        descriptor = opened_alone(file, wait=False)
    except BlockingIOError as error:
        raise ArgumentError(
            f"{path} is in use by another run of Taut{error.strerror}: wait until that has ended, or choose another "
            "place."
        ) from None
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    _held[place] = me
    try:
        yield
    finally:
        del _held[place]
        file.unlink(missing_ok=True)
        os.close(descriptor)
        for parent in missing:  # where nothing was written, nothing is left
            with contextlib.suppress(OSError):
                parent.rmdir()


def opened_alone(path: Path, *, wait: bool) -> int:
    """The descriptor of a file, made where it is missing, that no other process has opened in this way.

    Args:
        path: The path of the file.
        wait: Whether to wait for another process that has.

    Raises:
        BlockingIOError: Another process has, and is not waited for; its `strerror` names the process.
        OSError: The file cannot be opened.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            _lock(descriptor, wait)
            if _is(descriptor, path):  # and has not been moved away or removed by the one before
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, wait: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in TAKEN:
            return  # a file system without locks
        process = os.pread(descriptor, 20, 0).decode("ascii", "replace")
        raise BlockingIOError(errno.EAGAIN, f" (process {process})" if process.isdigit() else "") from None


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
