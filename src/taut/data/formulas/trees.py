"""Trees of formulas by formulae's parser, looked through before anything of them is used."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from formulae import expr as tree
from formulae.parser import ParseError, Parser
from formulae.terms.call_resolver import CallResolver

from taut.data.formulas.functions import CALLABLE, CODINGS, ELSEWHERE, KNOWN, LEFT
from taut.data.formulas.tokens import Piece, Word
from taut.data.wording import listing, quoted, suggestion

EXPECTED = {
    "Expect ')'": "A ')' or a ',' is missing here.",
    "Expect '}'": "A '}' is missing here.",
    "Expect ']'": "A ']' is missing here: in brackets stands one level.",
    "Subset": "In brackets stands one level, a name or a text in quotation marks.",
    "Are you using": "In brackets stands one level, a name or a text in quotation marks.",
    "Invalid assignment": "'=' stands only between the name of a function's argument and its value.",
}
OUTSIDE = {"~": "A formula has one '~'.", "=": EXPECTED["Invalid assignment"]}
TERMS = ("PLUS", "MINUS", "STAR", "SLASH", "COLON", "STAR_STAR")
"""What joins terms."""
TIGHT = ("STAR", "SLASH", "STAR_STAR", "COLON")


class Node(NamedTuple):
    """A node of a tree on the way through it.

    Attributes:
        node: of formulae.
        inside: whether it stands in the arguments of a function.
        place: its own place, or that of what stands around it.
        exponent: whether it is the right-hand side of `**`.
    """

    node: Any
    inside: bool
    place: int
    exponent: bool = False


def parsed(piece: Piece) -> Any:
    """The tree of some words.

    Raises:
        ArgumentError: they are no formula; the message points at the place.
    """
    parser = Parser([*piece.words, Word("EOF", "", None, piece.end)])
    try:
        found = parser.parse()
    except ParseError as problem:
        signs = [word for word in piece.words[: parser.current] if word.kind == "EQUAL"]
        word = signs[-1] if str(problem).startswith("Invalid assignment") else parser.peek()
        raise piece.error(word.place, _words(str(problem), word)) from None
    except RecursionError:
        raise piece.error(piece.words[0].place, "This is nested too deeply.") from None
    if not parser.at_end():
        raise piece.error(parser.peek().place, _words("", parser.peek()))
    return found


def _words(problem: str, word: Word) -> str:
    for begun, words in EXPECTED.items():
        if problem.startswith(begun):
            return words
    if word.kind == "EOF":
        return "A column or a function is missing here."
    if word.kind == "PIPE":
        return "'|' stands in a group term, which has parentheses of its own: (1 | group)."
    return OUTSIDE.get(
        word.lexeme, f"'{word.lexeme}' cannot stand here: a sign such as + or a name is missing, or out of place."
    )


def nodes(root: Any, place: int) -> Iterator[Node]:
    """All nodes of a tree, without recursion: a sum of many terms is a deep tree."""
    waiting = [Node(root, False, place)]
    while waiting:
        yield (here := waiting.pop())
        node, inside, place, _ = here
        match node:
            case tree.Grouping():
                waiting.append(Node(node.expression, inside, place))
            case tree.Unary():
                waiting.append(Node(node.right, inside, _place(node.operator, place)))
            case tree.Binary():
                there = _place(node.operator, place)
                waiting += [Node(node.right, inside, there, node.operator.kind == "STAR_STAR")]
                waiting += [Node(node.left, inside, there)]
            case tree.Call():
                there = _place(getattr(node.callee, "name", None), place)
                waiting += [Node(argument, True, there) for argument in reversed(node.args)]
            case tree.Assign():
                waiting.append(Node(node.value, inside, place))


def _place(word: Any, otherwise: int) -> int:
    return getattr(word, "place", otherwise)


def columns_of(root: Any) -> list[str]:
    """Names of the columns that a tree holds, each once."""
    found = []
    for node, inside, _, _ in nodes(root, 0):
        if isinstance(node, tree.Variable) and not (inside and node.name.lexeme in CODINGS):
            found.append(node.name.lexeme)
        elif isinstance(node, tree.QuotedName):
            found.append(node.expression.lexeme[1:-1])
    return list(dict.fromkeys(found))


def check(root: Any, piece: Piece, columns: Sequence[str] | None) -> None:
    """Refuse what predictors cannot hold.

    Args:
        root: their tree.
        piece: their words.
        columns: names of the table's columns; None where they were looked at before.

    Raises:
        ArgumentError: pointing at the place.
    """
    known = None if columns is None else set(columns)
    for node, inside, place, exponent in nodes(root, piece.words[0].place):
        match node:
            case tree.Variable() if inside and node.name.lexeme in CODINGS:
                pass
            case tree.Variable() | tree.QuotedName():
                word = node.name if isinstance(node, tree.Variable) else node.expression
                name = word.lexeme.strip("`")
                if known is not None and name not in known:
                    assert columns is not None
                    raise piece.error(_place(word, place), unknown(name, columns))
                if getattr(node, "level", None) is not None:
                    raise piece.error(_place(word, place), "Brackets with a level belong to the response, before '~'.")
            case tree.Call():
                _check_call(node, inside, place, piece)
            case tree.Assign() if not inside:
                raise piece.error(place, EXPECTED["Invalid assignment"])
            case tree.Literal() if (
                not inside and not exponent and (isinstance(node.value, bool) or node.value not in (0, 1))
            ):
                raise piece.error(place, f"{node.value!r} is no term. Arithmetic stands in I(...), as in I(2 * x).")
            case tree.Unary() if not inside and not isinstance(node.right, tree.Literal):
                raise piece.error(_place(node.operator, place), "A sign stands only before the 1 of the intercept.")
            case tree.Binary() if not inside and node.operator.kind not in TERMS:
                raise piece.error(node.operator.place, f"'{node.operator.lexeme}' joins no terms: it stands in I(...).")
            case tree.Binary() if inside and node.operator.kind == "STAR_STAR" and not columns_of(node):
                raise piece.error(node.operator.place, "A power of numbers alone is written as a number.")
            case tree.Binary() if inside and node.operator.kind not in CallResolver.BINARY_OPERATORS:
                raise piece.error(node.operator.place, f"'{node.operator.lexeme}' cannot stand in a function.")


def _check_call(node: Any, inside: bool, place: int, piece: Piece) -> None:
    callee = node.callee
    if not isinstance(callee, tree.Variable) or callee.level is not None:
        raise piece.error(place, "Only a function, called by its name, has arguments in parentheses.")
    name, place = callee.name.lexeme, _place(callee.name, place)
    if name in LEFT:
        raise piece.error(place, f"{name}(...) says what the response is: it stands before '~'.")
    if name == "offset":
        if inside or len(node.args) != 1:
            raise piece.error(place, "offset(...) is a term of its own with one argument, as in offset(log(x)).")
    elif name not in CALLABLE or (name in CODINGS and not inside):
        here = f" Here it is written {ELSEWHERE[name]}." if name in ELSEWHERE else suggestion(name, KNOWN)
        raise piece.error(place, f"There is no function '{name}'.{here} The functions are {listing(KNOWN, 60)}.")


def unknown(name: str, columns: Sequence[str]) -> str:
    """The refusal of a column that is not there."""
    return f"There is no column '{name}'.{suggestion(name, columns)} The columns are {quoted(columns, 20)}."


def spelled(node: Any) -> str:
    """A tree as text, of one form however it was written; the text has the same tree.

    Example:
        >>> from taut.data.formulas.tokens import scanned
        >>> spelled(parsed(scanned("poly( age,degree = 2 )"))), spelled(parsed(scanned("{(a+b) ** 2}")))
        ('poly(age, degree=2)', 'I((a + b)**2)')
    """
    match node:
        case tree.Variable():
            return node.name.lexeme
        case tree.QuotedName():
            return node.expression.lexeme
        case tree.Literal():
            return f'"{node.value}"' if isinstance(node.value, str) else str(node.value)
        case tree.Grouping():
            return f"({spelled(node.expression)})"
        case tree.Unary():
            return node.operator.lexeme + spelled(node.right)
        case tree.Binary():
            blank = "" if node.operator.kind in TIGHT else " "
            return f"{spelled(node.left)}{blank}{node.operator.lexeme}{blank}{spelled(node.right)}"
        case tree.Assign():
            return f"{spelled(node.name)}={spelled(node.value)}"
    return f"{spelled(node.callee)}({', '.join(spelled(argument) for argument in node.args)})"
