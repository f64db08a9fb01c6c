"""What a formula asks for, before the columns are looked at."""

from collections.abc import Sequence
from typing import NamedTuple

from taut.data.formulas.left import response_of
from taut.data.formulas.parts import Bar, parts
from taut.data.formulas.pointing import pointed
from taut.data.formulas.resolving import Atom, Resolved, resolved
from taut.data.formulas.response import Response
from taut.data.formulas.tokens import NAMES, name_of, scanned
from taut.data.formulas.trees import columns_of


class Varying(NamedTuple):
    """A group term of one factor.

    Attributes:
        factor: its columns.
        varying: what varies.
        correlated: whether its columns are.
    """

    factor: tuple[str, ...]
    varying: Resolved
    correlated: bool


class Understood(NamedTuple):
    """What a formula asks for.

    Attributes:
        response: what stands before '~'.
        fixed: the fixed terms.
        bars: the group terms, each of one factor.
        atoms: all components, each once.
        offsets: what stands in offset(...).
        columns: columns that components and offsets are made of.
        factors: grouping columns.
        dotted: columns that '.' stands for.
    """

    response: Response
    fixed: Resolved
    bars: tuple[Varying, ...]
    atoms: tuple[Atom, ...]
    offsets: tuple[Atom, ...]
    columns: tuple[str, ...]
    factors: tuple[str, ...]
    dotted: tuple[str, ...]


def understood(formula: str, columns: Sequence[str], others: Sequence[str]) -> Understood:
    """Understand a formula.

    Args:
        formula: its text.
        columns: names of the table's columns.
        others: of these, the ones that '.' may stand for.

    Raises:
        ArgumentError: pointing at the place.
    """
    found = parts(formula, columns, others)
    response = response_of(found.left, columns)
    fixed = resolved(found.fixed, found.piece)
    bars = tuple(varying for bar in found.bars for varying in _varying(bar))
    if not fixed.intercept and not fixed.terms and not bars:
        raise found.piece.error(found.piece.words[0].place, "No term is left: nothing would be learned.")
    atoms = {name: atom for one in (fixed, *(bar.varying for bar in bars)) for name, atom in one.atoms.items()}
    made_of = [name for atom in (*atoms.values(), *fixed.offsets) for name in _columns(atom)]
    factors = tuple(dict.fromkeys(name for bar in bars for name in bar.factor))
    _refuse_response(formula, response, {*made_of, *factors})
    return Understood(
        response,
        fixed,
        bars,
        tuple(atoms.values()),
        fixed.offsets,
        tuple(dict.fromkeys(made_of)),
        factors,
        found.dotted,
    )


def _columns(atom: Atom) -> list[str]:
    return columns_of(atom.tree) if atom.called else [atom.name]


def _varying(bar: Bar) -> list[Varying]:
    """A group term for each of its factors: g/h is g and g:h."""
    start = bar.piece.words[0].place
    varying, factors = resolved(bar.terms, bar.piece), resolved(bar.factors, bar.piece)
    if varying.offsets or factors.offsets:
        raise bar.piece.error(start, "offset(...) stands among the fixed terms.")
    if not varying.intercept and not varying.terms:
        raise bar.piece.error(start, "Nothing varies in this group term: 1 is the intercept, as in (1 | group).")
    if factors.intercept or not factors.terms:
        raise bar.piece.error(start, "Behind '|' stands a grouping column, as in (1 | group).")
    found = []
    for term in factors.terms:
        names = []
        for component in term.components:
            atom = factors.atoms[component.name]
            columns = _columns(atom)
            if atom.called and not (
                atom.name.startswith("C(") and atom.name in (f"C({columns[0]})", f"C(`{columns[0]}`)")
            ):
                raise bar.piece.error(atom.place, "A grouping factor is a column, or columns joined by ':' or '/'.")
            names.append(columns[0])
        found.append(Varying(tuple(names), varying, bar.correlated))
    return found


def _refuse_response(formula: str, response: Response, used: set[str]) -> None:
    own = response.columns[:1] if response.kind == "proportion" else response.columns
    for name in own:
        if name in used:
            place = [word.place for word in scanned(formula).words if word.kind in NAMES and name_of(word) == name][-1]
            raise pointed(formula, place, f"'{name}' is the response: it cannot be a predictor as well.")
