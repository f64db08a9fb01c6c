"""Learning a formula of a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.formulas.applying import Read, as_arrays, assembled, named_frame, read
from taut.data.formulas.component import Component
from taut.data.formulas.design import FormulaData, FormulaDesign
from taut.data.formulas.evaluating import Rows, learned, values_of
from taut.data.formulas.groups import Group, refuse_more_effects_than_rows
from taut.data.formulas.groups import learned as with_levels
from taut.data.formulas.memory import packed
from taut.data.formulas.pointing import pointed
from taut.data.formulas.rank import refuse_collinear
from taut.data.formulas.resolving import Atom, Resolved, codings
from taut.data.formulas.response import Response
from taut.data.formulas.sources import source_columns
from taut.data.formulas.terms import INTERCEPT, Term
from taut.data.formulas.understanding import Understood, understood
from taut.data.tables.checks import refuse_missing
from taut.data.tables.choices import ASSUMED, Columns, said
from taut.data.tables.columns import Column, in_order
from taut.data.tables.problems import Problems
from taut.data.tables.rows import blanked
from taut.data.weights import checked_weights
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError

MISSING = ("refuse", "drop")


def prepare_formula(
    formula: str, table: Any, *, missing: str = "refuse", weights: Any = None, columns: Columns = ASSUMED
) -> FormulaData:
    """Learn a formula of a table, and its rows.

    Args:
        formula: `response ~ terms + (terms | group)`, see `docs/formulas.md`.
        table: Polars or pandas, `N` rows.
        missing: "refuse" rows with a missing value in a column of the formula, or "drop" them.
        weights: `[N]`, how often each row counts: means, sds and levels are those of the weighted rows, and a row of
            weight zero is as good as absent.
        columns: what columns hold where their values do not say it; `drop` and `only` are for '.'.

    Raises:
        ArgumentError: a formula that cannot be read (the message points at the place), names that are not there.
        DataError: what is wrong with the columns.

    Example:
        >>> table = pl.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [1, 2, 3, 4], "g": ["a", "b", "a", "b"]})
        >>> data = prepare_formula("y ~ x + (1 | g)", table)
        >>> data.design.names, data.rows.groups[0].levels, data.rows.groups[0].index.tolist()
        (('Intercept', 'x'), ('a', 'b'), [0, 1, 0, 1])
    """
    frame = named_frame(table)
    given = checked_weights(weights, frame.height)
    others = frame.columns if columns == ASSUMED else columns.features(frame).columns
    asked = understood(formula, frame.columns, others)
    _refuse_choices_of_dot(columns, asked)
    data = learn_formula(formula, asked, frame, missing, given, columns)
    refuse_collinear(data.design.names, data.rows.X)
    return data


def learn_formula(
    formula: str, asked: Understood, frame: pl.DataFrame, missing: str, given: np.ndarray | None, columns: Columns
) -> FormulaData:
    """Learn of a table what a formula asks for.

    Args:
        formula: its text.
        asked: what it asks for.
        frame: the table, `N` rows.
        missing: "refuse" rows with a missing value in a column of the formula, or "drop" them.
        given: `[N]`, how often each row counts; None for once each.
        columns: what columns hold where their values do not say it.
    """
    if missing not in MISSING:
        more = " A formula has no column of its own for what is missing." * (missing == "impute")
        raise ArgumentError(f"missing={missing!r} is none of {quoted(MISSING)}.{more}")
    response = asked.response.of(frame)
    counted = np.ones(frame.height, bool) if given is None else given > 0
    blank = blanked(frame, ~counted)
    assert isinstance(blank, pl.DataFrame)
    frame = blank
    sources = source_columns(frame, asked, columns)
    found = read(frame, sources, asked.factors)
    kept = _kept(frame, found, response, missing, counted)
    whole = frame.filter(pl.Series(kept))
    own = None if given is None else given[kept]
    learning = _Learning(formula, asked, sources, found.take(kept), whole, own)
    design, values, rows = learning.learn(response)
    design = replace(design, missing=missing, dropped=int(counted.sum() - kept.sum()))
    made = assembled(design, whole, learning.read.factors, values, rows, "refuse", kept)
    reasons = {"a weight above zero": ~counted, "a value in a column of the formula": counted & ~kept}
    left_out = tuple((reason, int(mask.sum())) for reason, mask in reasons.items())
    used = {*design.sources, *response.columns}
    return FormulaData(design, made, own, left_out, tuple(name for name in frame.columns if name not in used))


def _refuse_choices_of_dot(columns: Columns, asked: Understood) -> None:
    """Refuse a choice among the columns where no '.' stands for them."""
    for field in ("drop", "only"):
        if (names := columns.names(field)) and not asked.dotted:
            raise ArgumentError(
                f"{said(field, *names)} chooses what '.' stands for, and the formula has none: leave it out, or write "
                "'.' among the terms."
            )


def _kept(frame: pl.DataFrame, found: Read, response: Response, missing: str, counted: np.ndarray) -> np.ndarray:
    """Which rows count and have no missing value."""
    there = {name: frame[name].is_not_null().to_numpy() for name in response.columns} | found.present
    present = np.column_stack([np.ones(frame.height, bool), *there.values()])
    if missing == "refuse":
        refuse_missing(["", *there], present[counted], imputed=False)
    kept = counted & present.all(axis=1)
    if not kept.any():
        raise DataError("Every row has a missing value: nothing would be left. Fill them in.")
    return kept


class _Learning(NamedTuple):
    """What is learned from.

    Attributes:
        formula: its text.
        asked: what it asks for.
        sources: columns of the table that terms are made of.
        read: their values, without missing ones.
        frame: the rows of the table.
        weights: of the rows, or None.
    """

    formula: str
    asked: Understood
    sources: Sequence[Column]
    read: Read
    frame: pl.DataFrame
    weights: np.ndarray | None

    def learn(self, response: Response) -> tuple[FormulaDesign, dict[str, np.ndarray], Rows]:
        """The design, the values of its components, and the columns that they are made of."""
        problems, rows = Problems(), as_arrays(self.read, self.sources, self.frame.height)
        components, values = self._components(rows, problems)
        offsets = []
        for atom in self.asked.offsets:
            with problems.noted():
                offsets.append(self._offset(atom, rows))
        response = self._response(response, problems)
        problems.refuse()
        by_name = {component.name: component for component in components}
        terms = _terms(self.asked.fixed, by_name)
        by_name = _through_origin(terms, by_name)
        groups = []
        for bar in self.asked.bars:
            varying = _terms(bar.varying, by_name)
            q = sum(len(term.names(by_name)) for term in varying)
            with problems.noted():
                group = with_levels(Group(bar.factor, (), bar.correlated, varying), self.read.factors)
                refuse_more_effects_than_rows(group, q, self.frame.height)
                groups.append(group)
        _refuse_repeated(terms, groups, by_name, problems)
        problems.refuse()
        parts = (tuple(by_name.values()), terms, tuple(offsets), tuple(groups))
        return FormulaDesign(self.formula, tuple(self.sources), response, *parts), values, rows

    def _components(self, rows: Rows, problems: Problems) -> tuple[list[Component], dict[str, np.ndarray]]:
        order = {
            column.name: tuple(in_order(self.frame[column.name]).cast(pl.String))
            for column in self.sources
            if column.kind == "categorical" and self.frame[column.name].dtype == pl.Enum
        }
        components, values = [], {}
        for atom in self.asked.atoms:
            with problems.noted(), _at(self.formula, atom):
                component, values[atom.name] = learned(atom.name, atom.called, rows, self.weights, order)
                components.append(component)
        return components, values

    def _offset(self, atom: Atom, rows: Rows) -> Component:
        with _at(self.formula, atom):
            found = values_of(atom.name, atom.called, rows)
            if found.kind != "numeric" or found.array.shape[1] != 1:
                raise DataError(f"offset({atom.name}) is not one number for each row.")
        remembered = () if found.lazy is None else packed(found.lazy)
        return Component(atom.name, atom.called, atom.name, "numeric", (0.0,), (1.0,), states=remembered)

    def _response(self, response: Response, problems: Problems) -> Response:
        if response.kind != "expression":
            return response
        with problems.noted():
            columns = response.sources
            rows = as_arrays(read(self.frame, columns, ()), columns, self.frame.height)
            found = values_of(response.name, True, rows)
            return replace(response, states=packed(found.lazy))
        return response


class _at:
    """Point at the place in the formula of what is wrong with a call."""

    def __init__(self, formula: str, atom: Atom):
        self.formula, self.atom = formula, atom

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, problem: Any, traceback: Any) -> None:
        if isinstance(problem, DataError) and self.atom.called:
            raise pointed(self.formula, self.atom.place, str(problem), DataError) from problem


def _terms(found: Resolved, components: Mapping[str, Component]) -> tuple[Term, ...]:
    """Terms with the coding of their categorical components."""
    kinds = {name: component.kind for name, component in components.items()}
    coded = codings(found.intercept, found.terms, kinds)
    terms = [Term(name, *map(tuple, zip(*parts, strict=True))) for name, parts in coded if parts]
    return (Term(INTERCEPT),) * found.intercept + tuple(terms)


def _through_origin(terms: Sequence[Term], components: dict[str, Component]) -> dict[str, Component]:
    """Components that are not centred where no column takes up the means: `0 + x` is a line through the origin."""
    if any(
        all(components[name].kind == "categorical" for name in term.components) and all(term.full) for term in terms
    ):
        return components
    fixed = {name for term in terms for name in term.components}
    return {
        name: replace(component, shift=(0.0,) * len(component.shift)) if name in fixed else component
        for name, component in components.items()
    }


def _refuse_repeated(
    terms: Sequence[Term], groups: Sequence[Group], components: Mapping[str, Component], problems: Problems
) -> None:
    def repeated(names: Iterable[Any]) -> list[Any]:
        return [name for name, count in Counter(names).items() if count > 1]

    with problems.noted():
        if twice := repeated(name for term in terms for name in term.names(components)):
            raise DataError(f"More than one column of the design would be called {quoted(twice)}: leave one out.")
    with problems.noted():
        if twice := repeated((g.name, name) for g in groups for term in g.terms for name in term.names(components)):
            said = quoted(f"{name} | {factor}" for factor, name in twice)
            raise DataError(
                f"The group terms hold {said} more than once: its variance would be split at random. Keep one."
            )
