"""`fit.json` of a saved fit, read without JAX: what only prints a saved answer waits for nothing else."""

from pathlib import Path
from typing import Any, NamedTuple

from taut import __version__
from taut.core.checked_files import damaged, read_json
from taut.errors import SavedFitError
from taut.learning.checkpoints import CHECKPOINT_FILE
from taut.learning.ended import Ended
from taut.results.folder import FIT_FILE
from taut.results.schema import FIT

FORMAT = 2
"""Version of the folder's layout; a newer one is refused, not guessed at. Version 0.1.0 wrote 1, without checksums."""


class Said(NamedTuple):
    """What a saved fit says of itself.

    Attributes:
        verdict: The verdict as JSON; None in an older format, in which it was said otherwise.
        ended: How the fit ended.
        ending: The same as a line.
        predictions: What a regression says of its predictions, as JSON; None for other fits.
    """

    verdict: dict[str, Any] | None
    ended: Ended
    ending: str
    predictions: dict[str, Any] | None


def read_said(path: Path) -> Said:
    """What the saved fit in the folder `path` says of itself.

    Raises:
        SavedFitError: The folder is missing, damaged, foreign or newer than this version.
    """
    meta = read_meta(path)
    try:
        FIT.check(meta)
    except ValueError as error:
        raise damaged(path / FIT_FILE, str(error)) from None
    said = meta["fit"]
    ended = Ended[said["ended"].upper()]
    verdict = said.get("verdict") if meta["format"] == FORMAT else None
    return Said(verdict, ended, ended.sentence(said["reason"]), said.get("predictions"))


def read_meta(path: Path) -> dict[str, Any]:
    """The content of `fit.json`, its seal checked.

    Raises:
        SavedFitError: The folder is missing, damaged, foreign or newer than this version.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise SavedFitError(
            f"{path} {what}; a saved fit is a folder made by fit.save(path) or taut fit ... --out {path}."
        )
    try:
        meta = read_json(path / FIT_FILE, FORMAT)
    except FileNotFoundError:
        unfinished = (path / CHECKPOINT_FILE).exists()
        remedy = "it holds an unfinished run: go on with --resume." if unfinished else "it is not a saved fit."
        raise SavedFitError(f"{path} has no {FIT_FILE}: {remedy}") from None
    if meta["format"] > FORMAT:
        raise SavedFitError(
            f"{path / FIT_FILE} has format {meta['format']} and this Taut ({__version__}) reads {FORMAT}: use the "
            "version that wrote it."
        )
    return meta
