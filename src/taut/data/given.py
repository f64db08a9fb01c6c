"""What a user hands over, and the rows that a model is fitted to."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # a fit without a table does not wait for the table library
    from taut.data.tables.choices import Columns
    from taut.data.tables.supervised import Supervised


class Given(NamedTuple):
    """The data arguments of `taut.fit`, as they were received.

    Attributes:
        data: The data.
        sample_weight: `[n]`, how much each row counts, or None.
        missing: What becomes of rows with missing values, "refuse", "drop" or "impute".
        positive: The label that counts as 1, or None.
        columns: Which columns of a table are features, and what they hold; None where nothing was said.
        validation: Held-out examples, or None.
        transform: `(key, rows) -> rows` on each batch, or None.
    """

    data: Any
    sample_weight: Any = None
    missing: str = "refuse"
    positive: Any = None
    columns: "Columns | None" = None
    validation: Any = None
    transform: Callable | None = None


class Rows(NamedTuple):
    """Rows that were checked, as the model sees them.

    Attributes:
        rows: Pytree of arrays `[n, ...]`.
        weights: `[n]`, how much each row counts, or None for one each.
        table: How a table became the rows, or None where there was no table.
        validation: Held-out examples, or None.
        transform: `(key, rows) -> rows` on each batch, or None.
        facts: What became of the data, in words, by what they are about.
        model: The model that the data made of a description; None where a model was given.
        design: How a formula made the rows of a table, or None where there was no formula.
        labels: What the numbers of a response stand for that was labels.
        columns: Of a formula, the columns that its terms are made of, by name; None without one.
    """

    rows: Any
    weights: np.ndarray | None
    table: "Supervised | None" = None
    validation: Any = None
    transform: Callable | None = None
    facts: dict[str, str] = {}
    model: Any = None
    design: Any = None
    labels: Any = None
    columns: Mapping[str, np.ndarray] | None = None

    @property
    def to_columns(self) -> "Callable[[np.ndarray], tuple[tuple[str, ...], np.ndarray]] | None":
        """Draws of z as the unknowns that a person names; None where the model's own naming is all there is."""
        if self.model is not None:
            return self.model.to_columns
        return None if self.table is None else self.table.design.coefficients

    @property
    def held_out(self) -> tuple[Any, Callable | None]:
        """Examples that training does not see, as they are, or those trained on with their transform."""
        return (self.rows, self.transform) if self.validation is None else (np.asarray(self.validation), None)
