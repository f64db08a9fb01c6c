"""What fits of a table have in common: how its new rows are read, and the label that is predicted."""

import dataclasses
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from taut.data.tables.labels import Label


class Tabular:
    """A fit with a `design` and `labels`."""

    design: Any
    labels: Any

    def with_decimal(self, mark: str) -> Self:
        """The same for tables whose numbers have this decimal mark."""
        fit: Any = self
        return dataclasses.replace(fit, design=self.design.with_decimal(mark))

    @property
    def positive(self) -> "Label | None":
        """The label whose probability is predicted; None for a response that is not of two labels."""
        classes = getattr(self.labels, "classes", None)
        return None if classes is None else classes[1]
