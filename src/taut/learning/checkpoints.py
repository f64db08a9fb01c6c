"""Where and how often the state of a run is saved."""

from pathlib import Path
from typing import NamedTuple

CHECKPOINT_FILE = "checkpoint.npz"


class Checkpoint(NamedTuple):
    """Where and how often to save the state.

    Attributes:
        folder: The folder of the one file, which is replaced in one move.
        seconds: Time between two saves, in seconds.
        resume: Whether to go on from the file if there is one.
    """

    folder: Path
    seconds: float = 30.0
    resume: bool = True
