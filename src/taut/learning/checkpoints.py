"""Checkpoints: the state of a run on disk, saved by time, from which a killed run goes on bit for bit."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taut.core.array_files import arrays_into_tree, read_arrays, tree_to_arrays, write_arrays
from taut.core.trees import describe, without_rooms
from taut.errors import SavedFitError

CHECKPOINT_FILE = "checkpoint.npz"


class Checkpoint(NamedTuple):
    """Where and how often to save the state.

    Attributes:
        folder: gets one file, replaced in one move.
        seconds: between two saves.
        resume: go on from the file if there is one.
    """

    folder: Path
    seconds: float = 30.0
    resume: bool = True


def joined(past: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The chunks' histories as one."""
    return {name: np.concatenate([h[name] for h in past]) for name in past[0]} if past else {}


def identity_of(problem, algorithm, source, seed) -> dict[str, Any]:
    """What a checkpoint must agree on with the run that goes on from it."""
    return {"problem": describe(problem), "algorithm": describe(algorithm), "data": source.fingerprint(), "seed": seed}


def save(checkpoint: Checkpoint, state, past, made, identity, monitor) -> None:
    """Write the state, the history so far and what the monitor remembers, in one move."""
    arrays = tree_to_arrays(state, "state") | {f"history.{k}": v for k, v in joined(past).items()}
    if monitor:
        arrays |= {f"monitor.{k}": v for k, v in monitor.arrays().items()}
    write_arrays(checkpoint.folder / CHECKPOINT_FILE, arrays, {"format": 1, "step": made, "identity": identity})


def restore(checkpoint: Checkpoint, like, identity, monitor):
    """The state, the history and the number of steps made.

    Raises:
        SavedFitError: it was made with another problem, algorithm, seed or data.
    """
    arrays, meta = read_arrays(checkpoint.folder / CHECKPOINT_FILE)
    for part, mine in identity.items():
        if without_rooms(meta.get("identity", {}).get(part)) != mine:
            raise SavedFitError(
                f"{checkpoint.folder} holds a checkpoint with another {part}; to go on from it pass the same model, "
                "family, objective, "
                "gradient, algorithm, data and seed as then, or choose another folder."
            )
    history = {name.removeprefix("history."): x for name, x in arrays.items() if name.startswith("history.")}
    if monitor:
        saved = {name.removeprefix("monitor."): x for name, x in arrays.items() if name.startswith("monitor.")}
        monitor.restore(saved, like.problem)
    return arrays_into_tree(arrays, like, "state"), history, int(meta["step"])
