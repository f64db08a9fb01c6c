"""Saving a fit: a folder with `fit.json` and `arrays.npz`, no code and no pickle.

`fit.json` holds the checksum of the arrays and, in its last entry, its own. The folder may be copied and renamed.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from taut import __version__
from taut.algorithms import Algorithm
from taut.core.array_files import CHECKSUM, tree_to_arrays, write_arrays
from taut.core.checked_files import write_json
from taut.core.trees import describe, is_float_array
from taut.families import Family
from taut.models import Model
from taut.problem import Problem
from taut.results.folder import ARRAYS_FILE, FIT_FILE, write_folder
from taut.results.meta import FORMAT
from taut.results.schema import PARTS
from taut.results.specs import spec_or_none


def save(path: Path, problem: Problem, algorithm: Algorithm, meta: dict[str, Any], arrays: dict[str, Any]) -> Path:
    """Write the folder `path`, in one move at the end; an older saved fit there is replaced.

    Args:
        path: The folder.
        problem: The problem as learned; its parts are saved by class and fields, and their arrays.
        algorithm: The algorithm.
        meta: Further entries of `fit.json`.
        arrays: Further arrays by name.

    Raises:
        SavedFitError: Something else is in the way.
    """
    parts = {name: getattr(problem, name) for name in PARTS}
    meta = meta | {
        "format": FORMAT,
        "taut": __version__,
        "parts": {name: spec_or_none(part) for name, part in parts.items()},
        "fingerprints": {name: fingerprint(part) for name, part in parts.items()},
        "algorithm": spec_or_none(algorithm),
        "steps": algorithm.steps,
    }
    for name, part in parts.items():
        arrays = arrays | tree_to_arrays(part, name)

    def write_these(path: Path) -> None:
        meta[CHECKSUM] = write_arrays(path, arrays, {"format": FORMAT})  # ties the two files together

    write_folder(path, {ARRAYS_FILE: write_these, FIT_FILE: lambda path: write_json(path, meta)})
    return path


def fingerprint(part: Any) -> Any:
    """Structure and fixed values; of what is learned (all of a family, some of a model), the shapes alone."""

    def shapes(tree: Any) -> Any:
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, float) if is_float_array(x) else x, tree)

    if isinstance(part, Family):
        return describe(shapes(part))
    for name in part.learned() if isinstance(part, Model) else ():
        part = eqx.tree_at(lambda m, n=name: getattr(m, n), part, shapes(getattr(part, name)))
    return describe(part)
