"""JSON from files that may be damaged or made to harm: regular files, bounded sizes, no code, checksums.

A checksum finds damage. It does not say who wrote a file: whoever changes the content can write the checksum anew. What
is read is therefore only ever data, and takes no more memory than the file has bytes.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from taut.core.files import write_file
from taut.errors import SavedFitError

MOST_JSON = 2**30
"""Size of the largest JSON file that is read, in bytes: the summary of some millions of unknowns."""
DEEPEST = 200
"""Largest depth of nested lists and objects in JSON."""
SEAL, BLANK = "sha256", "0" * 64
"""The last entry of a sealed JSON file, and what stands there while the checksum is made."""


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write an object, sealed: its last entry is the SHA-256 of the whole file with zeros in that place."""
    before, _, after = json.dumps(value | {SEAL: BLANK}, indent=1).rpartition(BLANK)
    text = f"{before}{hashlib.sha256(f'{before}{BLANK}{after}'.encode()).hexdigest()}{after}"
    write_file(path, lambda file: file.write(text.encode()))


def read_json(path: Path, newest: int) -> dict[str, Any]:
    """What `write_json` wrote, its seal checked.

    An object says its `format`. Format 1, which version 0.1.0 wrote, has no seal. How a format newer than `newest` is
    sealed is not known; the caller refuses it.

    Raises:
        FileNotFoundError: there is no such file.
        SavedFitError: it is damaged, too large, or no such object.
    """
    content = checked(path, MOST_JSON, Path.read_bytes)
    value = checked(path, MOST_JSON, lambda _: parsed(content.decode()))
    version, seal = value.get("format"), value.get(SEAL)
    if not isinstance(version, int) or version < 1:
        raise damaged(path, "it has no format")
    if version <= newest and (seal is not None or version > 1):
        before, found, after = content.rpartition(str(seal).encode())
        if len(found) != len(BLANK) or hashlib.sha256(before + BLANK.encode() + after).hexdigest() != seal:
            raise damaged(path, "its checksum is not that of its content")
    return value


def parsed(text: str) -> dict[str, Any]:
    """A JSON object of bounded depth.

    Raises:
        ValueError: it is not JSON, no object, or too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("an object is needed")
    level = [value]
    for _ in range(DEEPEST):
        level = [x for one in level for x in (one.values() if isinstance(one, dict) else one)]
        level = [x for x in level if isinstance(x, (dict, list))]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def damaged(path: Path, reason: Any) -> SavedFitError:
    """The error that says that a file cannot be used."""
    reason = re.sub(r"[\s.]+$", "", str(reason)) or type(reason).__name__
    return SavedFitError(
        f"{path} is damaged or was not written by Taut ({reason}); restore it from a copy, or fit again."
    )


def checked(path: Path, most: float, read: Callable[[Path], Any]) -> Any:
    """`read(path)`, whatever is wrong with the file said in one way.

    Raises:
        FileNotFoundError: there is no such file.
        SavedFitError: it is no regular file, is larger than `most` bytes, or `read` refuses it.
    """
    try:
        if path.exists() and not path.is_file():
            raise damaged(path, "it is no regular file")
        if path.stat().st_size > most:
            raise damaged(path, f"it is larger than {most:,} bytes")
        return read(path)
    except (SavedFitError, FileNotFoundError):
        raise
    except OSError as error:
        if error.errno is None:
            raise damaged(path, error) from None
        raise SavedFitError(f"{path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # damage makes zipfile, NumPy and the decoders raise what they do not document
        raise damaged(path, error) from None
