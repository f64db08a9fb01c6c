"""Arrays and JSON in a file, never pickle: what checkpoints and saved fits are made of."""

import json
import zipfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core.files import write_file
from taut.errors import SavedFitError


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


def write_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """One `.npz` file with the arrays and a JSON text, replaced in one move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = np.array(json.dumps(meta))
    write_file(path, lambda file: np.savez(file, __meta__=text, **arrays))  # pyright: ignore[reportArgumentType]


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `write_arrays` wrote.

    Raises:
        SavedFitError: the file is missing, damaged or not ours.
    """
    try:
        # Opened here: NumPy leaves a file that is no archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays, json.loads(str(arrays.pop("__meta__")))
    except FileNotFoundError:
        raise SavedFitError(f"{path} does not exist; is the folder a saved fit?") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SavedFitError(f"{path} is damaged or was not written by Taut ({error}); save the fit again.") from None
