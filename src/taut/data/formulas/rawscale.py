"""Coefficients on the scale of the table's own columns."""

from collections.abc import Mapping
from itertools import combinations, product
from typing import NamedTuple

import numpy as np

from taut.data.formulas.component import Component
from taut.data.formulas.terms import Term, names

EXACT = 1e-9


class RawScale(NamedTuple):
    """The way from coefficients of the design to those of the columns' own units.

    Attributes:
        names: of the coefficients, as in the design.
        matrix: A `[P, P]` with raw = A @ coded; draws `[..., P]` go by `draws @ A.T`.
        left: names of those that stay on the scale of the design, because the terms that would take up the means are
            not in the formula (the intercept, or a main effect of an interaction).
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    left: tuple[str, ...]


class Column(NamedTuple):
    """A column of the design as a product.

    Attributes:
        numbers: the numeric factors, each a column of a component.
        levels: the categorical factors: component, whether full, and which column.
    """

    numbers: frozenset[tuple[str, int]]
    levels: tuple[tuple[str, bool, int], ...]


def raw_scale(terms: tuple[Term, ...], components: Mapping[str, Component]) -> RawScale:
    r"""The matrix that takes coefficients to the scale of the table's own columns.

    A column of the design is a product of indicators I and of (x_k - m_k) / s_k. Multiplied out,

        I \prod_k (x_k - m_k) / s_k = I \prod_k 1 / s_k  \sum_S \prod_{k \in S} x_k \prod_{k \notin S} (-m_k),

    a sum over subsets S of the numeric factors. Where each I \prod_{k \in S} x_k is a sum of columns of the formula
    with the same numeric factors, the predictor is the same on both scales. x is the value of a component: a column,
    or what a function gives of it, as log(x), x**2 or the basis of a spline.

    Example:
        >>> x = Component("x", False, "x", "numeric", (40.0,), (10.0,))
        >>> (raw_scale((Term("Intercept"), Term("x", ("x",), (False,))), {"x": x}).matrix @ [1.0, 2.0]).tolist()
        [-7.0, 0.2]
    """
    columns = [column for term in terms for column in _columns(term, components)]
    left: set[int] = set()
    while True:  # what stays as it is cannot take up means of others
        usable = [j for j in range(len(columns)) if j not in left]
        found = {j: _expanded(columns[j], columns, usable, components) for j in usable}
        failed = {j for j, expansion in found.items() if expansion is None}
        if not failed:
            break
        left |= failed
    A = np.eye(len(columns))
    for j, expansion in found.items():
        A[:, j] = expansion
    every = names(terms, components)
    return RawScale(every, A, tuple(every[j] for j in sorted(left)))


def _columns(term: Term, components: Mapping[str, Component]) -> list[Column]:
    """The columns of a term in the order of its names."""
    each = []
    for name, full in zip(term.components, term.full, strict=True):
        width = len(components[name].names(full))
        numeric = components[name].kind == "numeric"
        each.append([((name, j), None) if numeric else (None, (name, full, j)) for j in range(width)])
    return [
        Column(frozenset(n for n, _ in part if n), tuple(level for _, level in part if level))
        for part in product(*each)
    ]


def _expanded(
    column: Column, columns: list[Column], usable: list[int], components: Mapping[str, Component]
) -> np.ndarray | None:
    """The column of A, `[P]`; None where a product is no sum of the usable columns."""
    found = np.zeros(len(columns))
    moments = {(name, j): (components[name].shift[j], components[name].scale[j]) for name, j in column.numbers}
    for size in range(len(column.numbers) + 1):
        for subset in combinations(sorted(column.numbers), size):
            factor = np.prod([1 / scale for _, scale in moments.values()])
            factor *= np.prod([-moments[key][0] for key in column.numbers - set(subset)])
            if factor == 0:
                continue
            same = [j for j in usable if columns[j].numbers == frozenset(subset)]
            share = _as_sum(column.levels, [columns[j].levels for j in same], components)
            if share is None:
                return None
            found[same] += factor * share
    return found


def _as_sum(wanted: tuple, others: list[tuple], components: Mapping[str, Component]) -> np.ndarray | None:
    """A product of indicators as a sum of others, `[others]`; None where it is none."""
    if wanted in others:
        return np.eye(len(others))[others.index(wanted)]
    own = {name for name, _, _ in wanted}
    for more in (set(), *({name} for levels in others for name, _, _ in levels if name not in own)):
        involved = sorted(own | more)
        known = [k for k, levels in enumerate(others) if {name for name, _, _ in levels} <= set(involved)]
        grid = list(product(*(range(len(components[name].levels)) for name in involved)))
        if not known or len(grid) > 10_000:
            continue
        cells = [dict(zip(involved, cell, strict=True)) for cell in grid]
        F = np.column_stack([_on_cells(others[k], cells, components) for k in known])
        goal = _on_cells(wanted, cells, components)
        share = np.linalg.lstsq(F, goal)[0]
        if np.max(abs(F @ share - goal)) < EXACT:
            return np.bincount(known, np.where(abs(share) < EXACT, 0, share), len(others))
    return None


def _on_cells(levels: tuple, cells: list[dict[str, int]], components: Mapping[str, Component]) -> np.ndarray:
    """A product of indicators on combinations of levels."""
    found = np.ones(len(cells))
    for name, full, j in levels:
        contrast = components[name].contrasts(full)[0]
        found *= contrast[[cell[name] for cell in cells], j]
    return found
