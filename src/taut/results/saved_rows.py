"""Rows of a formula, and the columns that they are made of, as arrays of a saved fit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.errors import SavedFitError

if TYPE_CHECKING:
    from taut.data import FormulaDesign


def rows_to_save(data: dict[str, Any], weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Rows as arrays by name."""
    found = {"data.X": data["X"], "data.offset": data["offset"]}
    for name in ("index", "Z", "y"):
        parts = data[name] if isinstance(data[name], tuple) else (data[name],)
        found |= {f"data.{name}.{k}": np.asarray(part) for k, part in enumerate(parts)}
    return found | ({} if weights is None else {"data.weights": np.asarray(weights)})


def rows_from(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], np.ndarray | None]:
    """The rows that `rows_to_save` gave, and their weights.

    Raises:
        SavedFitError: they are not whole.
    """

    def parts(name):
        found = []
        while (part := arrays.get(f"data.{name}.{len(found)}")) is not None:
            found.append(part)
        return tuple(found)

    if "data.X" not in arrays or "data.offset" not in arrays or not parts("y"):
        raise SavedFitError("The saved fit lacks the rows that it was fitted to: fit again.")
    y, X = parts("y"), arrays["data.X"]
    data = {"X": X, "offset": arrays["data.offset"], "index": parts("index"), "Z": parts("Z"), "y": y}
    leaves = [
        data["offset"],
        *data["index"],
        *data["Z"],
        *y,
        *([w] if (w := arrays.get("data.weights")) is not None else []),
    ]
    if X.ndim != 2 or any(len(part) != len(X) for part in leaves) or len(data["index"]) != len(data["Z"]):
        raise SavedFitError("The saved rows do not go together: fit again.")
    return data | {"y": y[0] if len(y) == 1 else y}, arrays.get("data.weights")


def columns_to_save(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns of a table as arrays by their place; text as text, since no objects are saved."""
    each = enumerate(columns.values())
    return {f"column.{k}": x.astype(str) if x.dtype.kind == "O" else np.asarray(x) for k, x in each}


def columns_from(arrays: dict[str, np.ndarray], design: "FormulaDesign", n: int) -> dict[str, np.ndarray]:
    """The columns that `columns_to_save` gave: those of the design, in its order.

    Raises:
        SavedFitError: they are not whole.
    """
    found = {column.name: arrays.get(f"column.{k}") for k, column in enumerate(design.columns)}
    kinds = {"categorical": "U", "boolean": "b"}
    for column in design.columns:
        values = found[column.name]
        if values is None or values.shape != (n,) or values.dtype.kind not in kinds.get(column.kind, "fiu"):
            raise SavedFitError(f"The saved fit lacks the column '{column.name}' of its rows: fit again.")
    return {name: values for name, values in found.items() if values is not None}
