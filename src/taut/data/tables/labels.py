"""Any two labels as 0 and 1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from taut.core.schema import LABEL, each, entries
from taut.data.tables.columns import in_order
from taut.data.tables.frames import as_series
from taut.data.wording import listing, quoted
from taut.errors import ArgumentError, DataError, SavedFitError

Label = bool | int | float | str
RECORD = entries({"classes": each(LABEL, 2)})
"""What `Labels.to_json` gives."""


@dataclass(frozen=True)
class Labels:
    """The two labels of a binary target.

    Attributes:
        classes: (negative, positive), encoded as 0 and 1.

    Example:
        >>> labels = Labels.learn(["no", "yes", "no"])
        >>> labels.classes, labels.encode(["yes", "no"]).tolist()
        (('no', 'yes'), [1.0, 0.0])
        >>> Labels.learn([1, 2, 2], positive=1).classes
        (2, 1)
    """

    classes: tuple[Label, Label]

    @property
    def in_words(self) -> str:
        """What 1 and 0 stand for."""
        negative, positive = self.classes
        return f"1 is '{positive}', 0 is '{negative}'"

    @classmethod
    def learn(cls, values: Any, *, positive: Label | None = None) -> "Labels":
        """Find the two labels; the later one in order is the positive.

        Args:
            values: `[n]` numbers, text or true/false. Numbers and false < true have their own order, text the
                alphabet's, a Polars Enum the one it was declared with.
            positive: the label to be taken as 1 instead; its text is enough.

        Raises:
            DataError: missing labels, one label, more than two, a continuous target.
            ArgumentError: `positive` is none of the labels.
        """
        series = as_series(values)
        labels = as_labels(series)
        counts = {label: labels.count(label) for label in (plain(label) for label in in_order(series))}
        found = listing(f"{label!r} ({count} rows)" for label, count in counts.items())
        if len(counts) == 1:
            raise DataError(f"The target '{series.name}' is always {found}: rows of two classes are needed.")
        if len(counts) > 2:
            if series.dtype.is_float() and any(isinstance(label, float) for label in counts):
                raise DataError(
                    f"The target '{series.name}' is continuous ({len(counts)} different numbers, from "
                    f"{min(counts)} to {max(counts)}): a binary one is needed, say: is it above a limit?"
                )
            raise DataError(
                f"The target '{series.name}' has {len(counts)} labels: {found}. Only two (binary) are "
                "possible here: leave rows out, or group the labels into two."
            )
        negative_first = list(counts)
        if positive is None:
            return cls((negative_first[0], negative_first[1]))
        chosen = [label for label in negative_first if label == positive or str(label) == str(positive)]
        if not chosen:
            raise ArgumentError(f"positive={positive!r} is none of the labels of '{series.name}': {found}.")
        return cls((next(label for label in negative_first if label != chosen[0]), chosen[0]))

    def encode(self, values: Any) -> np.ndarray:
        """Labels as 0 and 1, `[n]` float64.

        Raises:
            DataError: missing labels, or others than the two.
        """
        return encoded(values, self.classes)

    def to_json(self) -> dict:
        """The labels as a dict for `json.dumps`."""
        return {"classes": list(self.classes)}

    @classmethod
    def from_json(cls, saved: dict) -> "Labels":
        """Rebuild labels from `to_json`.

        Raises:
            SavedFitError: not what `to_json` gives.
        """
        try:
            RECORD.check(saved)
        except ValueError as problem:
            raise SavedFitError(f"This is not the record of two labels ({problem}).") from problem
        negative, positive = saved["classes"]
        return cls((negative, positive))


def encoded(values: Any, labels: tuple[Label, ...]) -> np.ndarray:
    """Values as the places of their labels, `[n]` float64.

    Raises:
        DataError: missing values, or others than the labels.
    """
    series = as_series(values)
    seen = as_labels(series)
    code = {label: float(i) for i, label in enumerate(labels)}
    if unknown := {label for label in seen if label not in code}:
        known = f"{listing(map(repr, labels[:-1]))} and {labels[-1]!r}"
        raise DataError(
            f"The target '{series.name}' holds {quoted(sorted(unknown, key=str))}, where the labels are {known}."
        )
    return np.array([code[label] for label in seen])


def as_labels(series: pl.Series) -> list[Label]:
    """The labels as plain Python values, or the reason why they are none."""
    if len(series) == 0:
        raise DataError(f"The target '{series.name}' has no rows.")
    if missing := series.null_count():
        first = series.is_null().arg_true()[0] + 1
        raise DataError(
            f"The target '{series.name}' is missing in {missing} of {len(series)} rows, first in "
            f"row {first} (rows count from 1): fill it in, or leave those rows out."
        )
    dtype = series.dtype
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Categorical, pl.Enum)):
        raise DataError(f"The target '{series.name}' is of type {dtype}: numbers, text or true/false are needed.")
    if dtype.is_float() and (infinite := series.is_infinite().sum()):
        raise DataError(f"The target '{series.name}' is infinite in {infinite} rows: labels are needed.")
    return [plain(label) for label in series.to_list()]


def plain(label: Any) -> Label:
    """A whole number as an int, so that 1 and 1.0 are one label, in JSON too."""
    return int(label) if isinstance(label, float) and label.is_integer() else label
