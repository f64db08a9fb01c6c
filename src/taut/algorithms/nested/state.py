"""q(w given t) of a batch of cells, with what its rows and priors say of it."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class State:
    """q(w) for each of T cells.

    Attributes:
        border, groups: the mean, `[T, B]` and `[T, q, G]`.
        spread: `[T, q, q, G]`, the covariance of the eliminated effects given the border.
        held: what else describes the eliminated effects (`effects`).
        m, v: `[T, n]`, what the rows' expectations were taken at.
        h: `[T, n]`, the curvatures that the border's covariance was built of.
        value: `[T]`, E log p(y given w).
        slope, bend: `[T, n]`, its derivatives r and h in the linear predictors.
        seconds: for each factor the sum over levels of E u u', `[T, q, q]`.
        fixed_term: `[T]`, E log p(beta).
        entropy: `[T]`.
        left: `[T]`, an estimate of what is still to be gained, in nats.
    """

    border: np.ndarray
    groups: np.ndarray
    spread: np.ndarray
    held: tuple[np.ndarray, ...]
    m: np.ndarray
    v: np.ndarray
    h: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    bend: np.ndarray
    seconds: tuple[np.ndarray, ...]
    fixed_term: np.ndarray
    entropy: np.ndarray
    left: np.ndarray

    def take(self, cells: np.ndarray | slice) -> "State":
        """The cells of these indices, which may repeat; of a slice a view."""
        return State(*(_taken(getattr(self, f.name), cells) for f in fields(self)))

    def put(self, cells: np.ndarray, other: "State") -> None:
        """Overwrite cells."""
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            for a, b in zip(mine, theirs, strict=True) if isinstance(mine, tuple) else [(mine, theirs)]:
                a[cells] = b

    @staticmethod
    def joined(states: "list[State]") -> "State":
        """The cells of several states, one after another."""
        return State(*(_joined([getattr(s, f.name) for s in states]) for f in fields(State)))


def _taken(value, cells):
    return tuple(x[cells] for x in value) if isinstance(value, tuple) else value[cells]


def _joined(values):
    if isinstance(values[0], tuple):
        return tuple(np.concatenate(each) for each in zip(*values, strict=True))
    return np.concatenate(values)
