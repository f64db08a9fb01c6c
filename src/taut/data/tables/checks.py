"""What a design matrix cannot be made of: missing, infinite and constant values, with the columns named."""

from collections.abc import Sequence

import numpy as np

from taut.data.tables.choices import said
from taut.data.wording import listing
from taut.errors import DataError

LARGEST = 1e300
"""Numbers beyond are as good as infinite: their sums are."""


def refuse_missing(names: Sequence[str], present: np.ndarray, imputed: bool = True) -> None:
    """Refuse if anything in `present` (bool `[n, C]`) is false; `imputed` is whether a mean may stand in for it."""
    if present.all():
        return
    counts = np.sum(~present, axis=0)
    found = listing(f"'{name}' ({count})" for name, count in zip(names, counts, strict=True) if count)
    remedies = (
        "fill them in, leave those rows out (missing='drop'), or let the mean stand in for them (missing='impute')"
    )
    remedies = remedies if imputed else "fill them in, or leave those rows out (missing='drop')"
    raise DataError(f"Missing values in {found}, in {np.sum(~present.all(axis=1))} of {len(present)} rows: {remedies}.")


def refuse_infinite(names: Sequence[str], raw: np.ndarray) -> None:
    """Refuse if anything in `raw` (`[n, P]`) is infinite or as good as that."""
    counts = np.sum(abs(raw) > LARGEST, axis=0)
    if counts.any():
        found = listing(f"'{name}' ({count})" for name, count in zip(names, counts, strict=True) if count)
        raise DataError(f"Infinite values (beyond {LARGEST:g}) in {found}: correct them or leave those rows out.")


def refuse_constant(names: Sequence[str], raw: np.ndarray, reason: str) -> None:
    """Refuse if a column of `raw` (`[n, P]`) is constant up to rounding; missing values are passed over."""
    if len(raw) == 1:
        raise DataError("There is a single row, in which every column is constant: at least two are needed.")
    known = ~np.isnan(raw).all(axis=0)
    names, raw = [name for name, there in zip(names, known, strict=True) if there], raw[:, known]
    same = constant(raw)
    if same.any():
        culprits, low = np.flatnonzero(same), np.nanmin(raw, axis=0)
        found = listing(f"'{names[c]}' (always {low[c]:g})" for c in culprits)
        drop = said("drop", *(names[c] for c in culprits))
        raise DataError(f"Constant columns: {found}. Drop them ({drop}): {reason}.")


def constant(raw: np.ndarray) -> np.ndarray:
    """Which columns of `raw` (`[n, P]`) are constant up to rounding: bool `[P]`.

    Up to rounding, because standardising would blow a spread of a few units in the last place up to sd 1.
    """
    low, high = np.nanmin(raw, axis=0), np.nanmax(raw, axis=0)
    return high - low <= 8 * np.finfo(float).eps * np.maximum(abs(low), abs(high))
