"""Arrays and JSON in a folder, never pickle: what checkpoints and saved fits are made of."""

import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

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
    """One `.npz` file with the arrays and a JSON text, replaced in one move: a kill leaves the old file or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, __meta__=np.array(json.dumps(meta)), **arrays)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)  # temporary files are private; the result is an ordinary file
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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


def write_folder(path: Path, files: dict[str, Any], keep: tuple[str, ...] = ()) -> None:
    """A folder whose files come from the callables in `files`, moved into place when all are written.

    Other files in the folder are left where they are: each new file replaces its old one in a single move.

    Args:
        path: the folder.
        files: writers by file name, each called with a path; the last is moved last, and marks the folder as complete.
        keep: names of files that may be in a folder that is not a saved fit yet (a checkpoint).

    Raises:
        SavedFitError: something that is not a saved fit is in the way.
    """
    if path.exists():
        strangers = (
            []
            if not path.is_dir() or (path / "fit.json").exists()
            else [p.name for p in path.iterdir() if p.name not in keep]
        )
        if not path.is_dir() or strangers:
            raise SavedFitError(f"{path} exists and is not a saved fit; it is left alone. Choose another folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        for name, write in files.items():
            write(staged / name)
        path.mkdir(exist_ok=True)
        for name in files:
            os.replace(staged / name, path / name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
