"""What a formula learned of a table, recorded so that new rows go the same way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from taut.core.schema import TEXT, each, entries, one_of, whole
from taut.data.formulas.component import Component
from taut.data.formulas.groups import Group, GroupRows, NewGroups
from taut.data.formulas.rawscale import RawScale, raw_scale
from taut.data.formulas.response import Response, ResponseRows
from taut.data.formulas.terms import INTERCEPT, Term, names
from taut.data.tables.columns import Column
from taut.data.tables.design import COLUMN
from taut.data.wording import quoted, suggestion
from taut.errors import ArgumentError, SavedFitError

Of = Literal["a table", "columns", "an array"]
"""What a design was learned of: a table with the response in it, or features alone, with names or by position."""
RECORD = entries(
    {
        "formula": TEXT,
        "columns": each(COLUMN),
        "response": entries({}),
        "components": each(entries({})),
        "terms": each(entries({})),
        "offsets": each(entries({})),
        "groups": each(entries({})),
        "missing": one_of("refuse", "drop"),
        "dropped": whole(),
        "of": one_of(*get_args(Of)),
    }
)
"""What `FormulaDesign.to_json` gives; the parts are looked at by those who build them."""


class FormulaRows(NamedTuple):
    """Rows of a table as a formula sees them.

    Attributes:
        X: `[n, P]`, the coded fixed terms, the intercept first where there is one.
        offset: `[n]`, the sum of what stands in offset(...); None where nothing does.
        groups: the group terms, in the order of the formula.
        response: None where the table has no such column.
        kept: bool, one for each row received: whether it is among the n.
        columns: what the terms and offsets are made of, `[n]` each by name: numbers, true/false or text.
    """

    X: np.ndarray
    offset: np.ndarray | None
    groups: tuple[GroupRows, ...]
    response: ResponseRows | None
    kept: np.ndarray
    columns: Mapping[str, np.ndarray] = MappingProxyType({})


class FormulaData(NamedTuple):
    """A formula that was learned of a table.

    Attributes:
        design: what was learned.
        rows: those that it was learned from; `rows.kept` says which of the table's they are.
        weights: `[n]`, how often each of them counts, or None for once each.
        left_out: why rows were left out, and how many.
        unused: names of the table's columns that are not in the formula.
    """

    design: "FormulaDesign"
    rows: FormulaRows
    weights: np.ndarray | None
    left_out: tuple[tuple[str, int], ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class FormulaDesign:
    """The way from a table to the rows of a regression with groups, learned once and used for every later table.

    Numeric components are standardised, (value - mean) / population sd, whatever they hold: also `I(age**2)`, columns
    of zeros and ones, and each column of a polynomial or spline. Without an intercept they are divided by their sds and
    not centred: `0 + x` is a line through the origin. Categorical ones are indicators of every level but the
    first of the sorted text, and interactions are products of coded columns; neither is standardised. Slopes within
    groups use coded columns. Offsets are used as they are.

    Attributes:
        formula: its text.
        columns: columns of the table that the terms are made of.
        response: what stands before '~'.
        components: columns, and functions of columns, with what was learned of them.
        terms: products of components, the intercept first.
        offsets: what stands in offset(...).
        groups: the group terms.
        missing: what becomes of a row with a missing value: "refuse" or "drop".
        dropped: how many rows it was learned from were dropped for that.
        of: what it was learned of: "a table" with the response in it, or features by themselves, whose new rows are X
            or `(X, offset)`: "columns" with names, "an array" whose columns go by position.
    """

    formula: str
    columns: tuple[Column, ...]
    response: Response
    components: tuple[Component, ...]
    terms: tuple[Term, ...]
    offsets: tuple[Component, ...]
    groups: tuple[Group, ...]
    missing: str = "refuse"
    dropped: int = 0
    of: Of = "a table"

    def of_columns(self, named: bool) -> "FormulaDesign":
        """The same for new rows that are features by themselves, with names or not."""
        return replace(self, of="columns" if named else "an array")

    @property
    def intercept(self) -> bool:
        """Whether the first column of X is ones."""
        return bool(self.terms) and self.terms[0].name == INTERCEPT

    @property
    def names(self) -> tuple[str, ...]:
        """Names of X's columns: "Intercept", "age", "livch[1]", "lbase:trt[progabide]"."""
        return names(self.terms, self.by_name)

    @property
    def by_name(self) -> dict[str, Component]:
        """The components by name."""
        return {component.name: component for component in self.components}

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns of the table that new rows must have."""
        return tuple(
            dict.fromkeys([c.name for c in self.columns] + [name for group in self.groups for name in group.factor])
        )

    def places(self, name: str) -> tuple[int, ...]:
        """Columns of X that a name means: its own, or all of a term, as `livch` for `livch[1]` and `livch[2]`.

        Raises:
            ArgumentError: no column and no term is called so.
        """
        start, terms = 0, {}
        for term in self.terms:
            width = len(term.names(self.by_name))
            label = ":".join(self.by_name[component].label for component in term.components)
            for known in {term.name, label}:
                terms.setdefault(known, []).extend(range(start, start + width))
            start += width
        found = [self.names.index(name)] if name in self.names else terms.get(name, [])
        if not found:
            known = [*self.names, *(term for term in terms if term and term not in self.names)]
            raise ArgumentError(
                f"The formula has no term '{name}'.{suggestion(name, known)} Its terms are {quoted(known, 20)}."
            )
        return tuple(found)

    def rows(self, frame: Any, *, new_groups: NewGroups = "refuse") -> FormulaRows:
        """Rows of a table, in the way that was learned.

        Args:
            frame: a Polars or pandas table; columns are found by name, others ignored. The response may be missing. Of
                features by themselves: X, or `(X, offset)`.
            new_groups: what becomes of groups that were not there to learn from. "refuse" them; "sample" and "mean"
                give them index -1, for "mean" with zeros in Z, so that they add nothing.

        Raises:
            ArgumentError: another word for `new_groups`.
            DataError: columns that are missing or of another kind, levels that were not seen, values that are missing
                (if refused) or not finite.
        """
        if new_groups not in get_args(NewGroups):
            raise ArgumentError(f"new_groups={new_groups!r} is none of {quoted(get_args(NewGroups))}.")
        from taut.data.formulas.applying import apply  # formulae and pandas are loaded when they are needed

        return apply(self, frame, new_groups)

    def raw_scale(self) -> RawScale:
        """The way from coefficients of X to those on the scale of the table's own columns."""
        return raw_scale(self.terms, self.by_name)

    def group_raw_scales(self) -> tuple[RawScale, ...]:
        """The same for the effects of each group term of `rows`."""
        parts = []
        for group in self.groups:
            scale = raw_scale(group.terms, self.by_name)
            if group.correlated:
                parts.append(scale)
                continue
            for j, name in enumerate(scale.names):  # apart, nothing takes up means
                alone = np.count_nonzero(scale.matrix[:, j]) == 1
                parts.append(
                    RawScale(
                        (name,), scale.matrix[j : j + 1, j : j + 1] if alone else np.eye(1), () if alone else (name,)
                    )
                )
        return tuple(parts)

    def with_decimal(self, mark: str) -> "FormulaDesign":
        """The same for text whose numbers have this decimal mark."""
        return replace(self, columns=tuple(column.with_decimal(mark) for column in self.columns))

    def to_json(self) -> dict:
        """Everything that was learned, as a dict for `json.dumps`; floats survive to the last bit."""
        parts = ("columns", "components", "terms", "offsets", "groups")
        return {
            "formula": self.formula,
            "response": self.response.to_json(),
            **{name: [part.to_json() for part in getattr(self, name)] for name in parts},
            "missing": self.missing,
            "dropped": self.dropped,
            "of": self.of,
        }

    @classmethod
    def from_json(cls, saved: Any) -> "FormulaDesign":
        """Rebuild a design from `to_json`, before or after a file. Nothing of it is run.

        Raises:
            SavedFitError: not what `to_json` gives.
        """
        try:
            RECORD.check(saved)
            components = tuple(Component.from_json(one) for one in saved["components"])
            by_name = {component.name: component for component in components}
            offsets = tuple(Component.from_json(one) for one in saved["offsets"])
            columns = tuple(Column(**{**one, "levels": tuple(one["levels"])}) for one in saved["columns"])
            alone = {one.name for one in (*components, *offsets) if not one.called}
            if absent := alone - {column.name for column in columns}:
                raise ValueError(f"{quoted(sorted(absent))} are no columns of it")
            return cls(
                saved["formula"],
                columns,
                Response.from_json(saved["response"]),
                components,
                tuple(Term.from_json(one, by_name) for one in saved["terms"]),
                offsets,
                tuple(Group.from_json(one, by_name) for one in saved["groups"]),
                saved["missing"],
                saved["dropped"],
                saved["of"],
            )
        except (TypeError, ValueError) as problem:
            raise SavedFitError(f"This is not the record of a formula's design ({problem}).") from problem
