"""The state of a run on disk, saved by time, from which a killed run goes on bit for bit."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from taut.core.array_files import arrays_into_tree, read_arrays, tree_to_arrays, write_arrays
from taut.core.checked_files import damaged
from taut.core.schema import entries, whole
from taut.core.trees import describe, without_rooms
from taut.errors import SavedFitError
from taut.learning.checkpoints import CHECKPOINT_FILE, Checkpoint
from taut.learning.chunks import Chunk
from taut.learning.monitors import Monitor

FORMAT = 2
"""Version of the checkpoint's layout; version 0.1.0 wrote 1, without a checksum."""
META = entries({"format": whole(1, FORMAT), "step": whole(), "identity": entries({"problem": entries({})})})
"""What the JSON object of a checkpoint must hold."""


class Progress(NamedTuple):
    """How far a run is. It is replaced as a whole, so that state and history agree whenever Ctrl-C is pressed.

    Attributes:
        state: The state of the algorithm.
        past: The histories of the chunks so far.
        made: Number of steps made.
    """

    state: Any
    past: tuple[dict[str, np.ndarray], ...] = ()
    made: int = 0

    def after(self, chunk: Chunk) -> "Progress":
        """The progress with one chunk more."""
        return Progress(chunk.state, (*self.past, chunk.history), self.made + len(chunk.history["bound"]))

    def last(self, steps: int) -> dict[str, np.ndarray]:
        """The history of the last `steps` steps."""
        kept, seen = [], 0
        for history in reversed(self.past):
            kept.insert(0, history)
            seen += len(history["bound"])
            if seen >= steps:
                break
        return {name: x[-steps:] for name, x in joined(kept).items()}


class Saver:
    """The checkpoint of a run, if one is wanted.

    Args:
        checkpoint: Where and how often the state is saved; None for never.
        identity: A function that says what a run must have in common with the run that goes on from it. It is called
            only where there is a checkpoint.
        monitor: The monitor, whose memory is saved with the state.
    """

    def __init__(self, checkpoint: Checkpoint | None, identity: Callable[[], dict[str, Any]], monitor: Monitor | None):
        self.checkpoint, self.monitor = checkpoint, monitor
        self.identity = identity() if checkpoint else {}
        self._saved = time.monotonic()

    def begin(self, state: Any) -> Progress:
        """The progress from which the run begins: `state`, or that of the checkpoint.

        Raises:
            SavedFitError: a checkpoint of something else.
        """
        there = self.checkpoint and self.checkpoint.resume and (self.checkpoint.folder / CHECKPOINT_FILE).exists()
        if not self.checkpoint or not there:
            return Progress(state)
        state, history, made = restore(self.checkpoint, state, self.identity, self.monitor)
        return Progress(state, (history,) if history else (), made)

    def save(self, progress: Progress, *, due: bool = True) -> None:
        """Save the progress, or only when it is time (`due=False`)."""
        if self.checkpoint and (due or time.monotonic() - self._saved > self.checkpoint.seconds):
            save(self.checkpoint, progress.state, list(progress.past), progress.made, self.identity, self.monitor)
            self._saved = time.monotonic()


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
    write_arrays(checkpoint.folder / CHECKPOINT_FILE, arrays, {"format": FORMAT, "step": made, "identity": identity})


def restore(checkpoint: Checkpoint, like, identity, monitor):
    """The state, the history and the number of steps made.

    Raises:
        SavedFitError: it was made with another problem, algorithm, seed or data.
    """
    arrays, meta = read_checkpoint(checkpoint)
    for part, mine in identity.items():
        if without_rooms(meta["identity"].get(part)) != mine:
            raise SavedFitError(
                f"{checkpoint.folder} holds a checkpoint with another {part}; to go on from it pass the same model, "
                "family, objective, gradient, algorithm, data and seed as then, or choose another folder."
            )
    history = {name.removeprefix("history."): x for name, x in arrays.items() if name.startswith("history.")}
    try:
        if meta["step"] and {len(x) for x in (history["bound"], *history.values())} != {meta["step"]}:
            raise ValueError("its history is not of as many steps")
        if monitor:
            saved = {name.removeprefix("monitor."): x for name, x in arrays.items() if name.startswith("monitor.")}
            monitor.restore(saved, like.problem)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(checkpoint.folder / CHECKPOINT_FILE, error) from None
    return arrays_into_tree(arrays, like, "state"), history, meta["step"]


def read_checkpoint(checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a checkpoint, and what it says of itself.

    Raises:
        SavedFitError: it is damaged.
    """
    path = checkpoint.folder / CHECKPOINT_FILE
    arrays, meta = read_arrays(path)
    try:
        META.check(meta)
    except ValueError as error:
        raise damaged(path, error) from None
    return arrays, meta
