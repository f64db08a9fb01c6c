"""Fits of the same rows compared by leave-one-out."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from taut.diagnostics.predictive.left_out import standard_error
from taut.errors import ArgumentError

FEW_NATS = 4.0
"""A difference below it is small whatever its standard error, which is then itself not to be relied on."""


@dataclass(frozen=True)
class Compared:
    """Fits in order, the best first.

    Attributes:
        names: of the fits.
        elpd: the sum of each.
        difference: to the first, which has 0; not positive.
        standard_error: of the difference.
        sentence: the result in words.
    """

    names: tuple[str, ...]
    elpd: np.ndarray
    difference: np.ndarray
    standard_error: np.ndarray
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def compare(pointwise: Mapping[str, np.ndarray], fingerprints: Mapping[str, Hashable]) -> Compared:
    """Compare fits by their pointwise values of leave-one-out.

    Args:
        pointwise: `[n]` for each fit, by its name.
        fingerprints: what identifies the rows and the target of each.

    Raises:
        ArgumentError: fewer than two fits, or fits of other rows.
    """
    names = list(pointwise)
    if len(names) < 2:
        raise ArgumentError(f"{len(names)} fit was given. Give two or more fits of the same rows to compare them.")
    first = names[0]
    for name in names[1:]:
        sizes = len(pointwise[first]), len(pointwise[name])
        if sizes[0] != sizes[1]:
            raise ArgumentError(
                f"{first} has {sizes[0]} rows and {name} has {sizes[1]}. Leave-one-out compares fits of the same "
                "rows: fit both to the same table, without the rows that one of them had to drop."
            )
        if fingerprints[first] != fingerprints[name]:
            raise ArgumentError(
                f"{first} and {name} are fits of different rows or of different targets. Leave-one-out compares fits "
                "of the same rows and the same target, transformed alike: fit both to the same table."
            )
    totals = np.array([float(np.sum(pointwise[name])) for name in names])
    order = np.argsort(-totals, kind="stable")
    names, best = tuple(names[i] for i in order), pointwise[names[order[0]]]
    apart = [np.asarray(pointwise[name]) - best for name in names]
    difference = np.array([x.sum() for x in apart])
    errors = np.array([0.0, *(standard_error(x) for x in apart[1:])])
    return Compared(names, totals[order], difference, errors, _sentence(names, difference, errors))


def _sentence(names, difference, errors) -> str:
    more, error = -difference[1], errors[1]
    by = f"{names[0]} predicts rows left out better than {names[1]} by {more:.1f} nats (standard error {error:.1f})"
    if more < FEW_NATS:
        return f"{names[0]} and {names[1]} predict rows left out equally well: they are {more:.1f} nats apart."
    if more < 2 * error:
        return f"{by}, which is less than two standard errors: the data do not say which is better."
    return f"{by}."
