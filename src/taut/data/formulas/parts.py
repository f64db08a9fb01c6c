"""A formula in its parts: the response, the fixed terms, and each group term by itself.

formulae forgets which group terms were written inside one pair of parentheses, and so which are correlated: they are
taken out of the formula as words, before it parses the rest.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from taut.data.formulas.tokens import CLOSING, NAMES, Piece, Word, name_of, scanned
from taut.data.formulas.trees import check, columns_of, parsed

DOTTED = "'.' stands among the terms behind '~', for every other column."


class Bar(NamedTuple):
    """A group term `(terms | factors)`.

    Attributes:
        terms: tree of what varies, with the intercept that is there unless it is taken away.
        factors: tree of the grouping factors.
        correlated: whether its columns are; not with `||`.
        piece: its words.
    """

    terms: Any
    factors: Any
    correlated: bool
    piece: Piece


class Parts(NamedTuple):
    """A formula in its parts.

    Attributes:
        left: words of the response.
        fixed: tree of the fixed terms.
        bars: the group terms.
        dotted: columns that '.' stands for.
        piece: words of the fixed terms.
    """

    left: Piece
    fixed: Any
    bars: tuple[Bar, ...]
    dotted: tuple[str, ...]
    piece: Piece


def parts(formula: str, columns: Sequence[str], others: Sequence[str]) -> Parts:
    """Take a formula apart.

    Args:
        formula: its text.
        columns: names of the table's columns.
        others: of these, the ones that '.' may stand for.

    Raises:
        ArgumentError: pointing at the place.
    """
    words = scanned(formula)
    left, right = _sides(words)
    bars, rest = [], []
    for piece, is_bar in _pieces(right):
        if is_bar:
            bars.append(_bar(piece, columns))
        else:
            rest += piece.words
    rest = rest[1:] if rest and rest[0].kind == "PLUS" else rest
    taken = {name_of(word) for word in left.words if word.kind in NAMES}
    taken |= {name for bar in bars for name in columns_of(bar.factors)} | set(_offsets(rest))
    dotted = tuple(name for name in others if name not in taken)
    rest, has_dot = _undotted(right, rest, dotted)
    piece = _with_intercept(Piece(formula, rest, right.end), right)
    fixed = parsed(piece)
    check(fixed, piece, columns)
    return Parts(left, fixed, tuple(bars), dotted if has_dot else (), piece)


def _sides(words: Piece) -> tuple[Piece, Piece]:
    tildes = [i for i, word in enumerate(words.words) if word.kind == "TILDE"]
    if not tildes:
        raise words.error(words.end, "A formula has a '~' between the response and the terms, as in y ~ x.")
    if len(tildes) > 1:
        raise words.error(words.words[tildes[1]].place, "A formula has one '~'.")
    left, right = words.part(0, tildes[0]), words.part(tildes[0] + 1, len(words.words))
    if not left.words:
        raise words.error(words.words[0].place, "The response is missing before '~'.")
    if not right.words:
        raise words.error(words.end, "The terms are missing behind '~'; an intercept alone is written 1.")
    return left, right


def _pieces(right: Piece) -> Iterator[tuple[Piece, bool]]:
    """The group terms, and what stands between them without the + that joins them."""
    words, start, i = right.words, 0, 0
    while i < len(words):
        word = words[i]
        if word.kind == "PIPE":
            raise right.error(word.place, "'|' stands in a group term, which has parentheses of its own: (1 | group).")
        if word.kind not in CLOSING:
            i += 1
            continue
        stop = _closed(words, i)
        called = i > 0 and words[i - 1].kind in NAMES
        pipes = [j for j in range(i, stop) if words[j].kind == "PIPE"]
        if pipes and (called or word.kind != "LEFT_PAREN" or _depth(words[i : pipes[0]]) > 1):
            raise right.error(
                words[pipes[0]].place, "A group term (1 | group) stands alone, joined by + to the others."
            )
        if pipes:
            before = [w for w in words[max(i - 1, 0) : i] if w.kind != "PLUS"]
            behind = [w for w in words[stop : stop + 1] if w.kind not in ("PLUS", "MINUS")]
            if wrong := [*before, *behind]:
                raise right.error(wrong[0].place, "A group term (1 | group) is joined to the others by +.")
            yield right.part(start, max(i - 1, start)), False
            yield right.part(i, stop), True
            start = stop
        i = stop
    yield right.part(start, len(words)), False


def _closed(words: Sequence[Word], start: int) -> int:
    """Behind the word that closes the one at `start`."""
    depth = 0
    for i in range(start, len(words)):
        depth += (words[i].kind in CLOSING) - (words[i].kind in CLOSING.values())
        if depth == 0:
            return i + 1
    return len(words)


def _depth(words: Sequence[Word]) -> int:
    return sum((word.kind in CLOSING) - (word.kind in CLOSING.values()) for word in words)


def _bar(piece: Piece, columns: Sequence[str]) -> Bar:
    inner = piece.part(1, len(piece.words) - 1)
    pipes = [i for i, word in enumerate(inner.words) if word.kind == "PIPE"]
    double = len(pipes) == 2 and pipes[1] == pipes[0] + 1
    if len(pipes) > 1 and not double:
        raise piece.error(inner.words[pipes[1]].place, "A group term has one '|', or '||' for no correlations.")
    if dots := [word for word in inner.words if word.kind == "PERIOD"]:
        raise piece.error(dots[0].place, DOTTED)
    terms, factors = inner.part(0, pipes[0]), inner.part(pipes[-1] + 1, len(inner.words))
    if not terms.words:
        raise piece.error(terms.end, "What varies is missing before '|': 1 is the intercept, as in (1 | group).")
    if not factors.words:
        raise piece.error(factors.end, "The grouping column is missing behind '|', as in (1 | group).")
    terms = _with_intercept(terms, piece)
    found = Bar(parsed(terms), parsed(factors), not double, piece)
    check(found.terms, terms, columns)
    check(found.factors, factors, columns)
    return found


def _with_intercept(piece: Piece, whole: Piece) -> Piece:
    """The words with the intercept that is there unless it is taken away."""
    place = whole.words[0].place
    one = Word("NUMBER", "1", 1, place)
    return piece._replace(words=[one, *([Word("PLUS", "+", None, place), *piece.words] if piece.words else [])])


def _offsets(words: Sequence[Word]) -> Iterator[str]:
    """Columns in offset(...)."""
    for i, word in enumerate(words):
        if word.lexeme == "offset" and i + 1 < len(words) and words[i + 1].kind == "LEFT_PAREN":
            yield from (name_of(inner) for inner in words[i + 1 : _closed(words, i + 1)] if inner.kind in NAMES)


def _undotted(right: Piece, words: list[Word], dotted: Sequence[str]) -> tuple[list[Word], bool]:
    """The words with the columns that it stands for in place of '.'."""
    found: list[Word] = []
    dots = [i for i, word in enumerate(words) if word.kind == "PERIOD"]
    for i, word in enumerate(words):
        if i not in dots:
            found.append(word)
            continue
        if _called_around(words[:i]):
            raise right.error(word.place, DOTTED)
        if not dotted:
            raise right.error(word.place, "No column is left that '.' could stand for.")
        if wrong := [name for name in dotted if "`" in name]:
            raise right.error(word.place, f"The column '{wrong[0]}' has a backtick in its name: rename it.")
        names = [Word("BQNAME", f"`{name}`", None, word.place) for name in dotted]
        joined = [w for name in names for w in (Word("PLUS", "+", None, word.place), name)][1:]
        found += [Word("LEFT_PAREN", "(", None, word.place), *joined, Word("RIGHT_PAREN", ")", None, word.place)]
    return found, bool(dots)


def _called_around(words: Sequence[Word]) -> bool:
    """Whether what follows these words stands in the arguments of a function."""
    opened = []
    for i, word in enumerate(words):
        if word.kind in CLOSING:
            opened.append(word.kind != "LEFT_PAREN" or (i > 0 and words[i - 1].kind in NAMES))
        elif word.kind in CLOSING.values():
            opened.pop()
    return any(opened)
