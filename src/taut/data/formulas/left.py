"""The left-hand side of a formula, from its words."""

from collections.abc import Sequence
from typing import Any

from formulae import expr as tree

from taut.data.formulas.component import spelt
from taut.data.formulas.functions import PROPORTIONS
from taut.data.formulas.response import Response
from taut.data.formulas.tokens import Piece
from taut.data.formulas.trees import check, columns_of, parsed, spelled, unknown

FORMS = 'y, y["level"], successes / trials, censored(time, event), or a function of y such as log(y)'


def response_of(piece: Piece, columns: Sequence[str]) -> Response:
    """The response.

    Args:
        piece: the words before '~'.
        columns: names of the table's columns.

    Raises:
        ArgumentError: pointing at the place.
    """
    start = piece.words[0].place
    if dots := [word for word in piece.words if word.kind == "PERIOD"]:
        raise piece.error(dots[0].place, "'.' is no response: before '~' stands one column.")
    if pipes := [word for word in piece.words if word.kind == "PIPE"]:
        raise piece.error(pipes[0].place, f"'|' is no sign of a response. It is {FORMS}.")
    root = parsed(piece)
    for name in columns_of(root):
        if name not in columns:
            place = next((w.place for w in piece.words if w.lexeme.strip("`") == name), start)
            raise piece.error(place, unknown(name, columns))
    while isinstance(root, tree.Grouping):
        root = root.expression
    match root:
        case tree.Variable() | tree.QuotedName():
            name, level = _column(root)
            return Response(name, "column", (name,), success=level)
        case tree.Binary() if root.operator.kind == "SLASH":
            return _proportion(root.left, root.right, piece, root.operator.place)
        case tree.Call() if isinstance(root.callee, tree.Variable):
            return _called(root, piece)
    raise piece.error(start, f"Before '~' stands the response: {FORMS}. Arithmetic stands in I(...).")


def _called(root: tree.Call, piece: Piece) -> Response:
    function, place = root.callee.name.lexeme, root.callee.name.place
    names = [_column(argument) for argument in root.args]
    plain = [name for name, level in names if name and level is None]
    if function in PROPORTIONS:
        if len(root.args) != 2:
            raise piece.error(place, f"{function}(successes, trials) has two arguments.")
        return _proportion(root.args[0], root.args[1], piece, place)
    if function == "censored":
        if len(names) != 2 or names[0][1] is not None or not all(name for name, _ in names):
            raise piece.error(place, "censored(time, event) has two columns: the time, and whether it was observed.")
        return Response(names[0][0], "censored", (names[0][0], names[1][0]), success=names[1][1])
    if function in ("binary", "B") and len(root.args) == 2 and names[0][0] and isinstance(root.args[1], tree.Literal):
        return Response(plain[0], "column", (plain[0],), success=spelt(root.args[1].value))
    if function == "C" and len(plain) == len(root.args) == 1:
        return Response(plain[0], "column", (plain[0],))
    if function in ("C", "S", "T", "binary", "B", "offset"):
        raise piece.error(place, f"{function}(...) with these arguments is no response: {FORMS}.")
    check(root, piece, None)
    if not (columns := columns_of(root)):
        raise piece.error(place, "The response holds no column of the table.")
    return Response(spelled(root), "expression", tuple(columns))


def _column(node: Any) -> tuple[str, str | None]:
    """Name and level of a column; no name for anything else."""
    match node:
        case tree.Variable():
            return node.name.lexeme, None if node.level is None else spelt(node.level.value)
        case tree.QuotedName():
            return node.expression.lexeme[1:-1], None
    return "", None


def _proportion(successes: Any, trials: Any, piece: Piece, place: int) -> Response:
    (first, level), (second, other) = _column(successes), _column(trials)
    constant = trials.value if isinstance(trials, tree.Literal) else None
    whole = isinstance(constant, int) and not isinstance(constant, bool) and constant > 0
    if not first or level or other or not (second or whole):
        words = "The response successes / trials is two columns, or a column and a whole number."
        raise piece.error(place, f"{words} A ratio that is to be a number stands in I(...).")
    if second:
        return Response(f"{first} / {second}", "proportion", (first, second))
    return Response(f"{first} / {constant}", "proportion", (first,), trials=constant)
