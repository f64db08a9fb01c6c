"""Values of components on rows, by formulae's evaluation of calls."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from formulae.categorical import Sum
from formulae.terms.call_resolver import CallResolver, LazyCall, LazyVariable

from taut.data.formulas.component import Component, spelt
from taut.data.formulas.functions import CATEGORICAL, ENVIRONMENT, Categories, as_text
from taut.data.formulas.memory import packed, restore
from taut.data.formulas.tokens import scanned
from taut.data.formulas.trees import check, parsed
from taut.data.tables.checks import LARGEST, constant
from taut.data.tables.design import moments
from taut.data.wording import brief, quoted, suggestion
from taut.errors import DataError

MOST_REPEATED = 10_000_000
"""Most rows that weights are written out to."""


class Rows(NamedTuple):
    """Rows of the table that count.

    Attributes:
        n: how many.
        columns: by name, `[n]` each: numbers, true/false or text.
    """

    n: int
    columns: Mapping[str, np.ndarray]


class Values(NamedTuple):
    """Values of a component on rows.

    Attributes:
        array: `[n, columns]` numbers, or `[n]` text.
        categories: how C(...) said that they are coded, else None.
        lazy: formulae's call, None for a column.
    """

    array: np.ndarray
    categories: Categories | None
    lazy: Any

    @property
    def kind(self) -> str:
        """What they are: "numeric" or "categorical"."""
        return "numeric" if self.array.ndim == 2 else "categorical"


def values_of(name: str, called: bool, rows: Rows, remembered: Sequence[dict] | None = None) -> Values:
    """Values of a component.

    Args:
        name: of the column, or the call as text.
        called: whether it is a call.
        rows: the columns.
        remembered: what its functions remember; None to learn it here.

    Raises:
        DataError: it cannot be computed, or is not one finite value or level a row.
    """
    if not called:
        return _read(name, rows.columns[name], None, rows.n)
    lazy = _lazy(name)
    if remembered is not None:
        restore(lazy, remembered)
    with _quiet():
        try:
            value = lazy.eval(rows.columns, ENVIRONMENT)
        except TypeError as problem:
            raise DataError(f"{name} cannot be computed; its arguments do not fit ({brief(problem)}).") from problem
        except Exception as problem:  # whatever functions of numpy, scipy and formulae raise
            raise DataError(f"{name} cannot be computed: {brief(problem)}.") from problem
    return _read(name, value, lazy, rows.n)


def _lazy(name: str) -> Any:
    piece = scanned(name)
    root = parsed(piece)
    check(root, piece, None)  # a saved name is a stranger's
    return CallResolver(root).resolve()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Values that are not finite are looked at afterwards: nothing is warned of on the way."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _read(name: str, value: Any, lazy: Any, n: int) -> Values:
    if isinstance(value, Categories):
        return _checked(name, Values(value.values, value, lazy), n)
    try:
        array = np.asarray(value)
    except ValueError:  # lists of unequal length
        array = np.asarray(None)
    if array.ndim == 1 and array.dtype.kind in "bOU":
        return _checked(name, Values(as_text(array), None, lazy), n)
    if array.ndim in (1, 2) and array.dtype.kind in "uif":
        return _checked(name, Values(array.astype(float).reshape(len(array), -1), None, lazy), n)
    raise DataError(f"{name} is not one number or level for each row: it cannot be a term.")


def _checked(name: str, values: Values, n: int) -> Values:
    if len(values.array) != n:
        raise DataError(f"{name} has {len(values.array)} values for {n} rows: it cannot be a term.")
    if values.kind == "numeric":
        wrong = ~np.all(abs(values.array) <= LARGEST, axis=1)
        if wrong.any():
            raise DataError(
                f"{name} is not a finite number in {wrong.sum()} of {n} rows: correct the values that it is made "
                "of, or leave those rows out."
            )
    return values


def _remembered(name: str, called: bool, rows: Rows, weights: np.ndarray | None) -> tuple[dict, ...] | None:
    """What functions remember of rows of which each counts as often as its weight says; None where they count once.

    Weights that are no whole numbers cannot be told to formulae: there each row counts once.
    """
    if weights is None or not called or np.any(weights % 1) or weights.sum() > MOST_REPEATED:
        return None
    repeated = {name: np.repeat(values, weights.astype(int)) for name, values in rows.columns.items()}
    return packed(values_of(name, True, Rows(int(weights.sum()), repeated)).lazy)


def learned(
    name: str, called: bool, rows: Rows, weights: np.ndarray | None, order: Mapping[str, tuple[str, ...]]
) -> tuple[Component, np.ndarray]:
    """Learn a component: moments, levels, what functions remember.

    Args:
        name: of the column, or the call as text.
        called: whether it is a call.
        rows: those that are fitted.
        weights: `[n]`, or None.
        order: levels of columns of text, in their order.

    Returns:
        The component, and its values.

    Raises:
        DataError: constant values, and what `values_of` refuses.
    """
    values = values_of(name, called, rows, _remembered(name, called, rows, weights))
    if values.kind == "numeric":
        if (same := constant(values.array)).any():
            value = values.array[0, int(np.argmax(same))]
            which = name if values.array.shape[1] == 1 else f"{name}[{int(np.argmax(same))}]"
            raise DataError(
                f"Constant columns: '{which}' (always {value:g}). Leave it out of the formula: an intercept is "
                "written 1."
            )
        shift, scale = moments(values.array, weights)
        if _spans_ones((values.array - shift) / scale):
            shift = np.zeros_like(shift)
        component = Component(name, called, name, "numeric", tuple(shift.tolist()), tuple(scale.tolist()))
    else:
        component = _categorical(name, called, values, order)
    remembered = () if values.lazy is None else packed(values.lazy)
    return replace(component, states=remembered), values.array


def _spans_ones(standardised: np.ndarray) -> bool:
    """Whether columns, such as a spline's that is not centred, hold a constant among their sums.

    Centred they would lose it and be collinear, so they are divided by their sds alone.
    """
    width = standardised.shape[1]
    return width > 1 and bool(np.linalg.matrix_rank(standardised) < min(standardised.shape))


def _categorical(name: str, called: bool, values: Values, order: Mapping[str, tuple[str, ...]]) -> Component:
    source = _source(values.lazy) if called else name
    found = set(values.array.tolist())
    said = values.categories.levels if values.categories else None
    if said is not None and (set(said) != found or len(set(said)) != len(said)):
        raise DataError(
            f"The levels said in {name} are {quoted(said, 20)}, and its values are {quoted(sorted(found), 20)}."
        )
    levels = tuple(said or [level for level in order.get(source or "", ()) if level in found])
    levels = levels if set(levels) == found else tuple(sorted(found))
    if len(levels) == 1:
        raise DataError(f"'{name}' is always {quoted(levels)}: a constant column tells nothing. Leave it out.")
    contrast, base = _coding(name, values.categories, levels)
    plain = source is not None and contrast == "treatment"
    label = source if plain and source is not None else name
    return Component(name, called, label, "categorical", levels=levels, contrast=contrast, base=base)


def _source(lazy: Any) -> str | None:
    """The column x of C(x), else None."""
    if isinstance(lazy, LazyCall) and lazy.callee in CATEGORICAL:
        first = [*lazy.args, *lazy.kwargs.values()][0]
        return first.name if isinstance(first, LazyVariable) else None
    return None


def _coding(name: str, categories: Categories | None, levels: tuple[str, ...]) -> tuple[Any, int]:
    if categories is None:
        return "treatment", 0
    contrast = categories.contrast
    summed = isinstance(contrast, Sum)
    chosen = contrast.omit if isinstance(contrast, Sum) else contrast.reference
    if chosen is None:
        return ("sum", len(levels) - 1) if summed else ("treatment", 0)
    if spelt(chosen) not in levels:
        raise DataError(
            f"{name}: there is no level '{spelt(chosen)}'.{suggestion(spelt(chosen), levels)} The levels are "
            f"{quoted(levels, 20)}."
        )
    return "sum" if summed else "treatment", levels.index(spelt(chosen))
