"""DATA on the command line: a file or a bundled name, as features and a target."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from taut.cli.table_options import TableOptions
from taut.errors import ArgumentError, DataError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from taut.data import Columns


class Inputs(NamedTuple):
    """What is fitted to.

    Attributes:
        name: short, for file names and headlines.
        given: (features `[n, C]`, target `[n]`); for a formula the whole table.
        weights: `[n]`, how often each row counts, or None.
        columns: what was said of the features.
        table: the options.
        path: of the file; None for a bundled data set.
        formula: its text, where there is one.
    """

    name: str
    given: Any
    weights: "np.ndarray | None"
    columns: "Columns"
    table: TableOptions
    path: Path | None = None
    formula: str | None = None

    @property
    def features(self) -> "pl.DataFrame":
        """Columns that predict, where there is no formula."""
        return self.given[0]

    @property
    def target(self) -> "pl.Series":
        """The column that is predicted, where there is no formula."""
        return self.given[1]

    @property
    def reading(self) -> dict[str, Any]:
        """How the table is read, as arguments of `taut.fit` and `taut.data.prepare`."""
        return {"missing": self.table.missing, "positive": self.table.positive, "columns": self.columns}

    @property
    def data(self) -> tuple[Any, ...]:
        """`(X, y)`, with the weights where there are any."""
        return (self.features, self.target) if self.weights is None else (self.features, self.target, self.weights)


def read(data: str, table: TableOptions) -> Inputs:
    """Read a table and split off its target and its weights.

    Args:
        data: a path, or the name of a bundled data set.
        table: the options; a bundled data set knows its target.

    Raises:
        DataError: the file cannot be read, or has no such column.
        ArgumentError: neither a file nor a bundled name; or no target.

    Example:
        >>> inputs = read("breast-cancer", TableOptions())
        >>> inputs.name, inputs.features.shape, inputs.target.name
        ('breast-cancer', (569, 30), 'diagnosis')
    """
    from taut.data import split_target

    name, frame, path, table = _frame(data, table)
    if table.target is None:
        columns = ", ".join(frame.columns[:20]) + (" ..." if frame.width > 20 else "")
        raise ArgumentError(
            f"Which column of {data} is to be predicted? Name it with --target, or give a formula such as 'y ~ x'; "
            f"there are {columns}."
        )
    features, target = split_target(frame, table.target)
    features, weights = _weights(features, table.weights)
    return Inputs(name, (features, target), weights, table.columns(features.columns), table, path)


def read_for_formula(data: str, table: TableOptions, formula: str | None) -> Inputs:
    """Read a table for a formula, and split off its weights.

    Args:
        data: a path, or the name of a bundled data set.
        table: the options.
        formula: its text; None for the target on every other column.

    Raises:
        DataError: the file cannot be read, or has no such column.
        ArgumentError: neither a file nor a bundled name; or neither a formula nor a target.

    Example:
        >>> read_for_formula("breast-cancer", TableOptions(), None).formula
        'diagnosis ~ .'
    """
    if formula is None:
        inputs = read(data, table)
        name = inputs.target.name
        frame = inputs.features.with_columns(inputs.target)
        return inputs._replace(given=frame, formula=f"{name if name.isidentifier() else f'`{name}`'} ~ .")
    name, frame, path, table = _frame(data, table)
    frame, weights = _weights(frame, table.weights)
    return Inputs(name, frame, weights, table.columns(frame.columns), table, path, formula)


def _frame(data: str, table: TableOptions) -> "tuple[str, pl.DataFrame, Path | None, TableOptions]":
    """Name, table and file of the data, and the options with the target that a bundled data set knows."""
    from taut.data import read_table

    path = Path(data)
    if not path.suffix and not path.exists():
        frame, own = _bundled(data)
        return data, frame, None, table._replace(target=table.target or own)
    text = [name for given in table.categorical or () for name in (given, *map(str.strip, given.split(",")))]
    frame = read_table(path, separator=table.separator, decimal=table.decimal or ".", text=text)
    return path.name.split(".")[0] or path.name, frame, path, table


def _weights(features: "pl.DataFrame", name: str | None) -> "tuple[pl.DataFrame, np.ndarray | None]":
    """The other columns, and the weights in the column of that name, if there is one."""
    if name is None:
        return features, None
    from taut.data.weights import checked_weights
    from taut.data.wording import quoted, suggestion

    if name not in features.columns:
        raise DataError(
            f"There is no column '{name}' to take as weights.{suggestion(name, features.columns)} The features are "
            f"{quoted(features.columns, 20)}."
        )
    column = features[name]
    if not column.dtype.is_numeric() or column.null_count():
        raise DataError(f"The weights in '{name}' must be a number in every row: its type is {column.dtype}.")
    return features.drop(name), checked_weights(column.to_numpy(), len(column), f"The weights in '{name}'")


def _bundled(name: str) -> "tuple[pl.DataFrame, str]":
    from taut.data import load_bundled

    try:
        return load_bundled(name)
    except ArgumentError as error:
        raise DataError(f"There is no file {name}. {error}") from None
