"""Labels of any number, in order, as 0, 1, 2, ..."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taut.core.schema import LABEL, each, entries
from taut.data.tables.columns import in_order
from taut.data.tables.frames import as_series
from taut.data.tables.labels import Label, as_labels, encoded, plain
from taut.data.wording import listing, quoted
from taut.errors import ArgumentError, DataError, SavedFitError

MOST = 50
"""Levels beyond which a target is taken for numbers, or for a name that each row has of its own."""
RECORD = entries({"levels": each(LABEL)})
"""What `Levels.to_json` gives."""


@dataclass(frozen=True)
class Levels:
    """The levels of a target of several labels: grades, species.

    Attributes:
        levels: in order, encoded as 0, 1, 2, ...

    Example:
        >>> levels = Levels.learn(["b", "c", "a", "b"])
        >>> levels.levels, levels.encode(["c", "a"]).tolist()
        (('a', 'b', 'c'), [2.0, 0.0])
        >>> Levels.learn(["low", "high", "middle"], order=["low", "middle", "high"]).encode(["high"]).tolist()
        [2.0]
    """

    levels: tuple[Label, ...]

    @property
    def in_words(self) -> str:
        """What the numbers stand for."""
        return f"{len(self.levels)} levels, {quoted(self.levels)}"

    @classmethod
    def learn(cls, values: Any, *, order: Sequence[Label] | None = None) -> "Levels":
        """Find the levels and their order.

        Args:
            values: `[n]` numbers, text or true/false. Numbers and false < true have their own order, and so has text
                that holds a number in every row; other text has the alphabet's, a Polars Enum the one it was declared
                with.
            order: every level that there is, the lowest first, in place of that order; levels that no row has may be
                among them. The text of a level is enough.

        Raises:
            DataError: missing labels, one level, too many, a continuous target.
            ArgumentError: `order` lacks a level or names one twice.
        """
        series = as_series(values)
        labels = as_labels(series)
        found = [plain(label) for label in in_order(series)]
        if len(found) == 1:
            raise DataError(f"The target '{series.name}' is always {found[0]!r}: rows of two levels are needed.")
        if len(found) > MOST or (series.dtype.is_float() and any(isinstance(label, float) for label in found)):
            what = "is continuous" if series.dtype.is_float() else "holds more than levels"
            raise DataError(
                f"The target '{series.name}' {what} ({len(found)} different values among {len(labels)} rows): at most "
                f"{MOST} levels are possible here. Use a likelihood for numbers, or group the values."
            )
        if order is None:
            return cls(tuple(sorted(found, key=float) if _all_numbers(found) else found))
        return cls(_ordered(series.name, found, list(order)))

    def encode(self, values: Any) -> np.ndarray:
        """Levels as 0, 1, 2, ..., `[n]` float64.

        Raises:
            DataError: missing labels, or others than the levels.
        """
        return encoded(values, self.levels)

    def to_json(self) -> dict:
        """The levels as a dict for `json.dumps`."""
        return {"levels": list(self.levels)}

    @classmethod
    def from_json(cls, saved: dict) -> "Levels":
        """Rebuild levels from `to_json`.

        Raises:
            SavedFitError: not what `to_json` gives.
        """
        try:
            RECORD.check(saved)
        except ValueError as problem:
            raise SavedFitError(f"This is not the record of levels ({problem}).") from problem
        return cls(tuple(saved["levels"]))


def _all_numbers(found: list[Label]) -> bool:
    """Whether text is text of numbers throughout: "10" comes after "9" then."""
    try:
        return all(isinstance(label, str) and np.isfinite(float(label)) for label in found)
    except ValueError:
        return False


def _ordered(name: str, found: list[Label], order: list[Label]) -> tuple[Label, ...]:
    by_text = {str(label): label for label in found}
    texts = [str(plain(label)) for label in order]
    lacking = [label for text, label in by_text.items() if text not in texts]
    if lacking or len(set(texts)) < len(texts):
        problem = f"{listing(map(repr, lacking))} is not among them" if lacking else "one is named twice"
        raise ArgumentError(
            f"order={order!r}: {problem}. Name every level of '{name}' once, the lowest first: "
            f"{listing(map(repr, found))}."
        )
    return tuple(by_text.get(text, plain(label)) for text, label in zip(texts, order, strict=True))
