"""DATA on the command line: a file or a bundled name, as features and a target."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taut.errors import ArgumentError, DataError

if TYPE_CHECKING:
    import polars as pl


class Inputs(NamedTuple):
    """What is fitted to.

    Attributes:
        name: short, for file names and headlines.
        features: `[n, C]`.
        target: `[n]`.
    """

    name: str
    features: "pl.DataFrame"
    target: "pl.Series"


def read(data: str, target: str | None) -> Inputs:
    """Read a table and split off its target.

    Args:
        data: a path, or the name of a bundled data set.
        target: name of the column to predict; a bundled data set knows its own.

    Raises:
        DataError: the file cannot be read, or has no such column.
        ArgumentError: neither a file nor a bundled name; or no target.

    Example:
        >>> inputs = read("breast-cancer", None)
        >>> inputs.name, inputs.features.shape, inputs.target.name
        ('breast-cancer', (569, 30), 'diagnosis')
    """
    from taut.data import read_table, split_target

    path = Path(data)
    if not path.suffix and not path.exists():
        frame, own = _bundled(data)
        return Inputs(data, *split_target(frame, target or own))
    frame = read_table(path)
    if target is None:
        columns = ", ".join(frame.columns[:20]) + (" ..." if frame.width > 20 else "")
        raise ArgumentError(f"Which column of {data} is to be predicted? Name it with --target; there are {columns}.")
    return Inputs(path.name.split(".")[0] or path.name, *split_target(frame, target))


def _bundled(name: str) -> "tuple[pl.DataFrame, str]":
    from taut.data import load_bundled

    try:
        return load_bundled(name)
    except ArgumentError as error:
        raise DataError(f"There is no file {name}. {error}") from None
