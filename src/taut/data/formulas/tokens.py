"""The words of a formula, each with its place, by formulae's scanner."""

from collections.abc import Sequence
from typing import NamedTuple

from formulae.scanner import ScanError, Scanner
from formulae.token import Token

from taut.data.formulas.pointing import pointed
from taut.errors import ArgumentError

LONGEST = 20_000
"""Most characters of a formula."""
CLOSING = {"LEFT_PAREN": "RIGHT_PAREN", "LEFT_BRACKET": "RIGHT_BRACKET", "LEFT_BRACE": "RIGHT_BRACE"}
UNREADABLE = {
    "'": "This text has no closing quotation mark.",
    '"': "This text has no closing quotation mark.",
    "`": "This name has no closing backtick.",
    "_": "A name that begins with '_' stands in backticks: `_x`.",
}
NAMES = ("IDENTIFIER", "BQNAME")


class Word(Token):
    """A token of formulae that knows where in the formula it begins."""

    def __init__(self, kind: str, lexeme: str, literal: object = None, place: int = 0):
        super().__init__(kind, lexeme, literal)
        self.place = place


class _Scanner(Scanner):
    def scan_token(self):
        if self.peek() == "^":  # R's sign of a power, which formulae does not know
            self.advance()
            self.add_token("STAR_STAR")
        else:
            super().scan_token()

    def add_token(self, kind, literal=None):
        self.tokens.append(Word(kind, self.code[self.start : self.current], literal, self.start))


class Piece(NamedTuple):
    """Some words of a formula.

    Attributes:
        formula: all of it, for messages.
        words: those of the piece.
        end: the place behind the last of them.
    """

    formula: str
    words: Sequence[Word]
    end: int

    def error(self, place: int, sentence: str) -> Exception:
        """A refusal that points at a place."""
        return pointed(self.formula, place, sentence)

    def part(self, start: int, stop: int) -> "Piece":
        """The words from `start` up to `stop`."""
        end = self.words[stop].place if stop < len(self.words) else self.end
        return Piece(self.formula, self.words[start:stop], end)


def scanned(formula: str) -> Piece:
    """The words of a formula.

    Raises:
        ArgumentError: no text, signs that no formula has, quotation marks or parentheses that are not closed.

    Example:
        >>> [word.lexeme for word in scanned("y ~ log(x) + (1 | g)").words]
        ['y', '~', 'log', '(', 'x', ')', '+', '(', '1', '|', 'g', ')']
    """
    if not isinstance(formula, str) or not formula.strip():
        raise ArgumentError(f"A formula is a text such as 'y ~ x + (1 | group)'; received {formula!r}.")
    if len(formula) > LONGEST:
        raise ArgumentError(f"The formula has {len(formula)} characters: {LONGEST} are the most that are read.")
    scanner = _Scanner(formula)
    try:
        while not scanner.at_end():
            scanner.start = scanner.current
            scanner.scan_token()
    except (ScanError, IndexError, ValueError):  # IndexError: a backtick that is not closed; ValueError: int("²")
        sign = formula[scanner.start]
        words = UNREADABLE.get(sign, f"'{sign}' is no sign of a formula. A name that holds it stands in backticks.")
        raise pointed(formula, scanner.start, words) from None
    _refuse_unbalanced(formula, scanner.tokens)
    return Piece(formula, scanner.tokens, len(formula))


def name_of(word: Word) -> str:
    """The column that a name or a name in backticks stands for."""
    return word.lexeme[1:-1] if word.kind == "BQNAME" else word.lexeme


def _refuse_unbalanced(formula: str, words: Sequence[Word]) -> None:
    opened: list[Word] = []
    for word in words:
        if word.kind in CLOSING:
            opened.append(word)
        elif word.kind in CLOSING.values() and (not opened or CLOSING[opened.pop().kind] != word.kind):
            raise pointed(formula, word.place, f"This '{word.lexeme}' closes nothing that was opened.")
    if opened:
        raise pointed(formula, opened[-1].place, f"This '{opened[-1].lexeme}' is not closed.")
