"""Arrays and JSON in a file, never pickle: what checkpoints and saved fits are made of."""

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core.checked_arrays import digest, read_npz
from taut.core.checked_files import damaged, parsed
from taut.core.files import write_file
from taut.errors import SavedFitError

META, SEAL = "__meta__", "__sha256__"
"""Names in a file of the JSON text and of the checksum."""
CHECKSUM = "arrays_sha256"
"""The entry with the checksum in the JSON object that is read."""


def is_array(x: Any) -> bool:
    """JAX and NumPy arrays alike."""
    return isinstance(x, (jax.Array, np.ndarray))


def tree_to_arrays(tree: Any, prefix: str) -> dict[str, np.ndarray]:
    """The array leaves of `tree` by path, e.g. `state.problem.family.mean`."""
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, is_array))
    return {prefix + jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def arrays_into_tree(arrays: dict[str, np.ndarray], like: Any, prefix: str) -> Any:
    """`like` with its array leaves replaced by the saved ones of the same paths.

    Raises:
        SavedFitError: a leaf is missing or has another shape or dtype.
    """

    def take(path, leaf):
        if not is_array(leaf):
            return leaf
        name = prefix + jax.tree_util.keystr(path)
        saved = arrays.get(name)
        if saved is None or saved.shape != leaf.shape or saved.dtype != leaf.dtype:
            found = "missing" if saved is None else f"{saved.dtype}{list(saved.shape)}"
            raise SavedFitError(
                f"The saved array {name} is {found} where {leaf.dtype}{list(leaf.shape)} is expected: it was saved "
                "from another model, family or algorithm; pass the same arguments as then."
            )
        return saved

    return jax.tree_util.tree_map_with_path(take, like)


def write_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> str:
    """One `.npz` file with the arrays, a JSON text and the checksum of both, replaced in one move.

    Returns:
        The checksum.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {META: np.array(json.dumps(meta))} | {name: np.asarray(x) for name, x in arrays.items()}
    checksum = digest(content)
    content[SEAL] = np.array(checksum)
    write_file(path, lambda file: np.savez(file, **content))  # pyright: ignore[reportArgumentType]
    return checksum


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `write_arrays` wrote: the arrays, and the JSON object with their checksum as `CHECKSUM`.

    The checksum is None in a file of format 1, which version 0.1.0 wrote.

    Raises:
        SavedFitError: the file is missing, damaged or not ours.
    """
    try:
        arrays = read_npz(path)
    except FileNotFoundError:
        raise SavedFitError(f"{path} does not exist; is the folder a saved fit?") from None
    try:
        found = str(arrays.pop(SEAL)) if SEAL in arrays else None
        if found is not None and found != digest(arrays):
            raise ValueError("its checksum is not that of its content")
        meta = parsed(str(arrays.pop(META)))
    except (KeyError, ValueError) as error:
        raise damaged(path, error) from None
    if found is None and meta.get("format") != 1:
        raise damaged(path, "it has no checksum")
    return arrays, meta | {CHECKSUM: found}
