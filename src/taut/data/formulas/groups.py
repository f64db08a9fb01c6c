"""Group terms: the levels of a grouping factor, where each row belongs, and the columns whose effects vary by it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from taut.core.schema import FLAG, TEXT, each, entries
from taut.data.formulas.component import Component
from taut.data.formulas.terms import Term, matrix, names
from taut.data.wording import quoted
from taut.errors import DataError

NewGroups = Literal["sample", "mean", "refuse"]
RECORD = entries(
    {"factor": each(TEXT), "levels": each(each(TEXT)), "correlated": FLAG, "terms": each(entries({"name": TEXT}))}
)
"""What `Group.to_json` gives."""


class GroupRows(NamedTuple):
    """Rows as a group term sees them: it adds `sum(Z * u[index], 1)` to the predictor.

    Attributes:
        name: of the factor: "district", or "school:class".
        levels: names of the groups, `G` of them: in numeric order if all are numbers, else as text.
        index: `[n]`, the group of each row; -1 for one that was not there to learn from.
        Z: `[n, q]`, the columns whose effects vary by group, intercept first. They are correlated with each other, and
            independent of those of every other group term, of the same factor too.
        terms: names of these columns.
        unseen: names of groups that were not there to learn from.
        fresh: `[n]`, the place of a row's group in `unseen`; -1 for known groups.
    """

    name: str
    levels: tuple[str, ...]
    index: np.ndarray
    Z: np.ndarray
    terms: tuple[str, ...]
    unseen: tuple[str, ...]
    fresh: np.ndarray


@dataclass(frozen=True)
class Group:
    """A group term as it was written.

    Attributes:
        factor: columns of the table, of which the combinations that occur are the groups.
        levels: of each group the value of each column, as text.
        correlated: whether the columns are; else each is a group term of its own.
        terms: what varies.
    """

    factor: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    correlated: bool
    terms: tuple[Term, ...]

    @property
    def name(self) -> str:
        """Name of the factor."""
        return ":".join(self.factor)

    def place(self, factors: Mapping[str, pl.Series]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        """Where rows belong.

        Args:
            factors: the grouping columns as text, `[n]` each.

        Returns:
            The group of each row or -1, its place among those that were not seen or -1, and the names of these.
        """
        known = zip(self.factor, zip(*self.levels, strict=True), strict=True)
        rows = pl.DataFrame({name: _as_learned(factors[name], set(levels)) for name, levels in known})
        index = _places(rows, self.levels)
        new = in_order(rows.filter(pl.Series(index < 0)))
        return index, _places(rows, new), tuple(":".join(level) for level in new)

    def rows(
        self,
        factors: Mapping[str, pl.Series],
        components: Mapping[str, Component],
        values: Mapping[str, np.ndarray],
        new_groups: NewGroups,
    ) -> list[GroupRows]:
        """The rows as the group term sees them; one for each column where they are not correlated.

        Raises:
            DataError: groups that were not there to learn from, if they are refused.
        """
        index, fresh, unseen = self.place(factors)
        if unseen and new_groups == "refuse":
            raise DataError(
                f"'{self.name}' holds {quoted(unseen)}, which the fit has not seen: leave those rows out, or say what "
                "becomes of new groups (new_groups='sample' draws their effects, new_groups='mean' takes zero)."
            )
        Z, columns = matrix(self.terms, components, values, len(index)), names(self.terms, components)
        if new_groups == "mean":
            Z = np.where(index[:, None] < 0, 0.0, Z)
        levels = tuple(":".join(level) for level in self.levels)
        parts = [slice(0, len(columns))] if self.correlated else [slice(j, j + 1) for j in range(len(columns))]
        return [GroupRows(self.name, levels, index, Z[:, p], columns[p], unseen, fresh) for p in parts]

    def to_json(self) -> dict:
        """The group term as a dict for `json.dumps`."""
        return asdict(self) | {"terms": [term.to_json() for term in self.terms]}

    @classmethod
    def from_json(cls, saved: Any, components: Mapping[str, Component]) -> "Group":
        """Rebuild a group term from `to_json`.

        Raises:
            ValueError: not what `to_json` gives.
        """
        RECORD.check(saved, "group")
        factor, levels = tuple(saved["factor"]), tuple(tuple(level) for level in saved["levels"])
        if not factor or len(set(factor)) != len(factor) or any(len(level) != len(factor) for level in levels):
            raise ValueError(f"group '{':'.join(factor)}' has levels of other columns")
        if len(set(levels)) != len(levels) or not levels:
            raise ValueError(f"group '{':'.join(factor)}' has a level twice, or none")
        terms = tuple(Term.from_json(term, components) for term in saved["terms"])
        return cls(factor, levels, saved["correlated"], terms)


def _places(rows: pl.DataFrame, levels: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """The place of each row's combination among some, `[n]`, or -1."""
    known = pl.DataFrame(levels, schema=dict.fromkeys(rows.columns, pl.String), orient="row")
    known = known.with_columns(pl.int_range(pl.len()).alias("\0"))
    found = rows.join(known, on=rows.columns, how="left", maintain_order="left")
    return found["\0"].fill_null(-1).to_numpy()


def _as_learned(text: pl.Series, known: set[str]) -> pl.Series:
    """Groups as text, whole numbers as the fit spells them: "3.0" in a file that is read as text is the group "3"."""
    whole = text.cast(pl.Float64, strict=False)
    whole = whole.set(~(whole.is_finite() & (whole % 1 == 0)).fill_null(False), None)
    spelt = whole.cast(pl.Int64, strict=False).cast(pl.String)
    levels = sorted(known)
    return spelt.zip_with(~text.is_in(levels) & spelt.is_in(levels).fill_null(False), text)


def as_groups(series: pl.Series) -> pl.Series:
    """A grouping column as text.

    Raises:
        DataError: numbers that are not whole, or values that are no text.
    """
    dtype = series.dtype
    if dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object):
        raise DataError(f"'{series.name}' is of type {dtype}: a grouping column is text or whole numbers.")
    if dtype.is_float():
        fraction = (series % 1 != 0) | ~series.is_finite()
        if fraction.any():
            row = fraction.arg_true()[0]
            raise DataError(
                f"'{series.name}' holds numbers that are not whole, the first in row {row + 1} ({series[row]:g}; rows "
                "count from 1): a grouping column is text or whole numbers. Put such a column among the fixed terms, "
                "or cut it into groups before."
            )
        series = series.cast(pl.Int64, strict=False)
    return series.cast(pl.String)


def learned(group: Group, factors: Mapping[str, pl.Series]) -> Group:
    """The group term with the groups that occur.

    Raises:
        DataError: a single group.
    """
    levels = in_order(pl.DataFrame({name: factors[name] for name in group.factor}))
    if len(levels) < 2:
        only = ":".join(*levels)
        raise DataError(
            f"The grouping column '{group.name}' has one group ('{only}'): how effects vary between groups cannot be "
            "learned from one. Leave the group term out."
        )
    return Group(group.factor, levels, group.correlated, group.terms)


def in_order(rows: pl.DataFrame) -> tuple[tuple[str, ...], ...]:
    """The combinations that occur; a column of which all values are numbers goes by their size, else as text."""
    found = rows.unique()
    numbers = [found[name].cast(pl.Float64, strict=False) for name in found.columns]
    keys = [
        number if not number.null_count() else found[name] for name, number in zip(found.columns, numbers, strict=True)
    ]
    order = pl.DataFrame(
        [key.alias(f"{j}") for j, key in enumerate(keys)] + [found[c].alias(f"t{c}") for c in found.columns]
    )
    return tuple(order.sort(pl.all()).select(f"t{c}" for c in found.columns).rows())


def refuse_more_effects_than_rows(group: Group, q: int, n: int) -> None:
    """Refuse a group term with more effects than rows.

    Raises:
        DataError: naming the term.
    """
    effects = len(group.levels) * q
    if effects > n:
        raise DataError(
            f"The group term of '{group.name}' has {effects} effects ({len(group.levels)} groups, {q} each) for {n} "
            "rows: more than one effect a row cannot be learned. Let fewer columns vary, or take a coarser grouping "
            "column."
        )
