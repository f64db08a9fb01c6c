"""The options that say how a table is read, the same in every command that takes one."""

from typing import TYPE_CHECKING, NamedTuple

from taut.cli import options

if TYPE_CHECKING:
    from taut.data import Columns


class TableOptions(NamedTuple):
    """What was said of a table; the fields are the options of that name.

    Example:
        >>> TableOptions(drop=["id,name"]).columns(["id", "name", "age"])
        Columns(drop=('id', 'name'), only=None, categorical=(), numeric=(), dates='refuse', decimal='.')
    """

    target: options.Target = None
    positive: options.Positive = None
    weights: options.Weights = None
    missing: options.Missing = "refuse"
    drop: options.Drop = None
    only: options.Only = None
    categorical: options.Categorical = None
    numeric: options.Numeric = None
    dates: options.Dates = "refuse"
    decimal: options.Decimal = None
    separator: options.Separator = None

    def columns(self, present: list[str]) -> "Columns":
        """The choices for a table whose columns are `present`; a comma separates names, unless a name has it."""
        from taut.data import Columns

        return Columns(
            drop=names(self.drop, present),
            only=names(self.only, present) or None,
            categorical=names(self.categorical, present),
            numeric=names(self.numeric, present),
            dates=self.dates,
            decimal=self.decimal or ".",
        )


def names(given: list[str] | None, present: list[str]) -> tuple[str, ...]:
    """The names in values of an option.

    Example:
        >>> names(["id,name", "a, b"], ["id", "name", "a, b"])
        ('id', 'name', 'a, b')
    """
    parts = [[value] if value in present else value.split(",") for value in given or ()]
    return tuple(name if name in present else name.strip() for part in parts for name in part if name.strip())
