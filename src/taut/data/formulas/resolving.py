"""Terms from trees, by formulae's resolver."""

from typing import Any, NamedTuple

from formulae import expr as tree
from formulae.resolver import Resolver
from formulae.terms import Call, Intercept, Model, NegatedIntercept, Term
from formulae.terms.call_resolver import CallResolver

from taut.data.formulas.tokens import Piece
from taut.data.formulas.trees import spelled
from taut.errors import ArgumentError, TautError

OPERATIONS = {"PLUS": lambda a, b: a + b, "MINUS": lambda a, b: a - b}
MOST = 2000
"""Most terms of a formula."""


class Atom(NamedTuple):
    """A component of a term: a column, or what a function makes of columns.

    Attributes:
        name: of the column, or the call as text.
        called: whether it is a call.
        place: in the formula.
        tree: the call; None for a column.
    """

    name: str
    called: bool
    place: int
    tree: Any = None


class Resolved(NamedTuple):
    """Terms as they were written.

    Attributes:
        intercept: whether there is one.
        terms: the others: formulae's.
        offsets: the arguments of offset(...).
        atoms: components of the terms, by name.
    """

    intercept: bool
    terms: list[Term]
    offsets: tuple[Atom, ...]
    atoms: dict[str, Atom]


class _Named(Call):
    """A call that goes by its text. formulae's own text leaves parentheses out, and its own hash fails on literals."""

    def __init__(self, call: Any, name: str):
        super().__init__(call)
        self.name = name

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and self.name == other.name


class _Resolver(Resolver):
    """formulae's, which remembers components and points at what it cannot combine."""

    def __init__(self, root: Any, piece: Piece):
        super().__init__(root)
        self.piece = piece
        self.atoms: dict[str, Atom] = {}

    def visitVariableExpr(self, expr):
        self.atoms[expr.name.lexeme] = Atom(expr.name.lexeme, False, expr.name.place)
        return super().visitVariableExpr(expr)

    def visitQuotedNameExpr(self, expr):
        name = expr.expression.lexeme[1:-1]
        self.atoms[name] = Atom(name, False, expr.expression.place)
        return super().visitQuotedNameExpr(expr)

    def visitCallExpr(self, expr):
        name = spelled(expr)
        place = getattr(expr.callee.name, "place", self.piece.words[0].place)
        self.atoms[name] = Atom(name, True, place, expr)
        return Term(_Named(CallResolver(expr).resolve(), name))

    def visitBinaryExpr(self, expr):
        spine = []
        while isinstance(expr, tree.Binary) and expr.operator.kind in OPERATIONS:  # a long sum is a deep tree
            spine.append(expr)
            expr = expr.left
        found = self._combined(expr, super().visitBinaryExpr) if isinstance(expr, tree.Binary) else expr.accept(self)
        for node in reversed(spine):
            left = found

            def combine(node, left=left):
                return OPERATIONS[node.operator.kind](left, node.right.accept(self))

            found = self._combined(node, combine)
        return found

    def _combined(self, node: Any, combine: Any) -> Any:
        if node.operator.kind == "STAR_STAR":
            self._refuse_power(node)
        try:
            found = combine(node)
        except TautError:
            raise
        except Exception as problem:  # formulae raises what the operation of Python meets
            words = f"These terms cannot be joined by '{node.operator.lexeme}'."
            if "Interaction with" in str(problem):
                words = "A spline cannot be part of an interaction: write it as a term of its own."
            raise self.piece.error(node.operator.place, words) from None
        if isinstance(found, Model) and len(found.common_terms) > MOST:
            raise self.piece.error(node.operator.place, f"These are more than {MOST} terms.")
        return found

    def _refuse_power(self, node: Any) -> None:
        exponent = node.right.value if isinstance(node.right, tree.Literal) else None
        if not isinstance(exponent, int) or isinstance(exponent, bool) or not 1 <= exponent <= 5:
            raise self.piece.error(node.operator.place, "Behind '**' stands a whole number from 1 to 5.")
        if not isinstance(node.left, tree.Grouping):
            text = spelled(node)
            raise self.piece.error(node.operator.place, f"Between terms '**' means interactions: write I({text}).")


def resolved(root: Any, piece: Piece) -> Resolved:
    """The terms of a tree.

    Raises:
        ArgumentError: terms that cannot be combined; the message points at the place.
    """
    resolver = _Resolver(root, piece)
    try:
        found = root.accept(resolver)
    except RecursionError:
        raise piece.error(piece.words[0].place, "This is nested too deeply.") from None
    if not isinstance(found, Intercept | NegatedIntercept | Term | Model):
        raise piece.error(piece.words[0].place, "These are no terms.")
    every = found.common_terms if isinstance(found, Model) else [found]
    terms = [term for term in every if isinstance(term, Term)]
    offsets = [term for term in terms if is_offset(term)]
    for term in terms:
        if term not in offsets and any(_offset(component) for component in term.components):
            raise ArgumentError(
                f"offset(...) cannot be part of the interaction '{term.name}': it is a term of its own."
            )
    arguments = []
    for term in offsets:
        inner = resolver.atoms[term.name].tree.args[0]
        arguments.append(_argument(inner, resolver.atoms[term.name].place))
    names = {component.name for term in terms if term not in offsets for component in term.components}
    return Resolved(
        any(isinstance(term, Intercept) for term in every),
        [term for term in terms if term not in offsets],
        tuple(arguments),
        {name: atom for name, atom in resolver.atoms.items() if name in names},
    )


def is_offset(term: Term) -> bool:
    """Whether a term is offset(...)."""
    return len(term.components) == 1 and _offset(term.components[0])


def _offset(component: Any) -> bool:
    return isinstance(component, _Named) and component.call.callee == "offset"


def _argument(inner: Any, place: int) -> Atom:
    match inner:
        case tree.Variable():
            return Atom(inner.name.lexeme, False, place)
        case tree.QuotedName():
            return Atom(inner.expression.lexeme[1:-1], False, place)
        case tree.Call():
            return Atom(spelled(inner), True, place, inner)
    return Atom(f"I({spelled(inner)})", True, place, inner)


def codings(
    intercept: bool, terms: list[Term], kinds: dict[str, str]
) -> list[tuple[str, tuple[tuple[str, bool], ...]]]:
    """How each term codes its categorical components, so that no column is a sum of others.

    Args:
        intercept: whether there is one.
        terms: in order.
        kinds: of the components, "numeric" or "categorical", by name.

    Returns:
        Terms, some of them in several parts: the name, and its components with whether each has a column for every
        level (else for all but one).
    """
    for term in terms:
        for component in term.components:
            component.kind = "numeric" if kinds[component.name] == "numeric" else "categoric"
        term.kind = "interaction" if len(term.components) > 1 else term.components[0].kind
    model = Model(*[Intercept()] * intercept, *terms)
    chosen = model._get_encoding_bools()
    found = []
    for term in terms:
        for coding in chosen.get(term.name, [{}]):
            part = [c for c in term.components if c.kind == "numeric" or c.name in coding]
            found.append((term.name, tuple((c.name, bool(coding.get(c.name, False))) for c in part)))
    return found
