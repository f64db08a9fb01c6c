"""Where a fit came from, in words by what they are about: what a page shows and a saved fit keeps.

In this order, as far as it is known: data, fingerprint, separator, images, rows, weights, target, columns left out,
categories, dates, missing values, remarks, call, version, date, seed, command.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

SHOWN = 12
"""Digits of a fingerprint: enough to tell files apart."""


def of_run(call: str, version: str, seed: int) -> dict[str, str]:
    """What every fit knows of its run, in words."""
    date = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"call": call, "version": f"taut {version}", "date": date, "seed": str(seed)}


def of_file(path: Path) -> dict[str, str]:
    """Name and fingerprint of a file, in words.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a.csv").write_text("x,y")
        ...     of_file(Path(folder, "a.csv"))
        {'data': 'a.csv', 'fingerprint': 'SHA-256 968e772cf168'}
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"data": path.name, "fingerprint": f"SHA-256 {digest[:SHOWN]}"}


def of_path(path: Path) -> dict[str, str]:
    """Name and fingerprint of a file, the name of a folder, in words.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     of_path(Path(folder)) == {"data": f"{Path(folder).name}/"}
        True
    """
    return {"data": f"{path.resolve().name}/"} if path.is_dir() else of_file(path)


def called(function: Callable, name: str, arguments: Mapping[str, Any]) -> str:
    """A call with the arguments that are not the defaults; what is no word or number by its class.

    Example:
        >>> def fit(model, data, seed=0, family=None): ...
        >>> called(fit, "taut.fit", {"model": [], "data": (), "seed": 3, "family": None})
        'taut.fit(list, tuple, seed=3)'
    """
    said = []
    for parameter in inspect.signature(function).parameters.values():
        value = arguments[parameter.name]
        if parameter.default is parameter.empty:
            said.append(_spelt(value))
        elif value is not parameter.default:
            said.append(_spelt(value) if parameter.name == "data" else f"{parameter.name}={_spelt(value)}")
    return f"{name}({', '.join(said)})"


def _spelt(value: Any) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    return repr(value) if value is None or isinstance(value, (str, bool, int, float)) else type(value).__name__
