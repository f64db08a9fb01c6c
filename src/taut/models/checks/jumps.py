r"""Does a log density jump, or end, inside its support? Its derivative sees neither, and gradients go wrong unnoticed.

A step function has derivative zero wherever it has one. But along a line from a to b

.. math:: f(b) - f(a) = \int_0^1 \nabla f(a + t (b - a)) \cdot (b - a)\, dt

holds for every f with finitely many kinks, and fails by the jumps that the line crosses. So value and slope are taken
at points of the line. Where the trapezoidal rule misses much between two neighbours, points are put between these two,
and so on down to rounding: there a steep slope is a slope, and a jump is still a jump. The same is done where a finite
value has a neighbour that is not finite: the density ends there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from taut.core.blocks import in_blocks

Evaluate = Callable[[Float[np.ndarray, "S D"]], tuple[np.ndarray, np.ndarray]]
"""Values `[S]` and gradients `[S, D]` of a log density at points."""

BLOCK = 32
"""Number of points in one compiled call."""
NODES = 64
"""Number of points on each line."""
MISSING = 0.05
"""Nats that the trapezoidal rule must miss along a line before a jump is looked for there."""
SMALLEST = 1e-3
"""Nats below which a jump does not count."""
CELLS = 2
"""Number of places of each line that are looked at closely: those at which the most is missing."""
STEEP = 10.0
"""Factor over what its slopes explain from which a change between two neighbours is a jump."""
NEAREST = 1e-7
"""Distance of two neighbours, as a share of the line, at which it is decided; rounding may decide it earlier."""


class Jump(NamedTuple):
    """Two neighbouring points between which a log density jumps, or ends.

    Attributes:
        inside: `[D]`, the point with the higher log density.
        outside: `[D]`, the other one.
        axis: The coordinate whose change makes the jump.
        size: Difference of the log densities, in nats; infinite where the density is not finite outside.
    """

    inside: Float[np.ndarray, " D"]
    outside: Float[np.ndarray, " D"]
    axis: int
    size: float

    @property
    def hole(self) -> bool:
        """Whether the density is not finite outside."""
        return not np.isfinite(self.size)


def of_function(function: Callable, dtype: Any) -> Evaluate:
    """Values and gradients of a function of one point, compiled once.

    Args:
        function: A function of a point `[D]`; if it is a pytree, its arrays are arguments of what is compiled.
        dtype: The dtype of the points.
    """
    return lambda z: in_blocks(lambda block: _at_points(function, block), BLOCK, z.astype(dtype))  # pyright: ignore


@eqx.filter_jit
def _at_points(function, points):
    return jax.vmap(jax.value_and_grad(function))(points)


def jumps(
    evaluate: Evaluate,
    start: Float[np.ndarray, "L D"],
    end: Float[np.ndarray, "L D"],
    dtype: Any = "float64",
    least: float = -np.inf,
) -> list[Jump]:
    """The jumps of a log density on the lines from `start` to `end`, one for each coordinate, holes first.

    Args:
        evaluate: Values and gradients at points.
        start: One end of each line, e.g. draws of q.
        end: The other end of each line.
        dtype: The dtype in which the density is computed.
        least: Smallest log density, in nats, beside which a jump counts.

    Example:
        >>> a, b = np.full((1, 1), -1.0), np.full((1, 1), 1.0)
        >>> kink = of_function(lambda z: abs(z[0] - 0.3), "float32")
        >>> step = of_function(lambda z: jax.numpy.floor(z[0] - 0.3), "float32")
        >>> len(jumps(kink, a, b, "float32")), len(jumps(step, a, b, "float32"))
        (0, 1)
    """
    eps = float(np.finfo(np.dtype(dtype)).eps)
    a, b = np.asarray(start, float), np.asarray(end, float)
    cells = _cut(evaluate, a, b, NODES, least)
    ends = _worst(cells, CELLS)
    if not len(ends.a):
        return []
    share = 1 / (NODES - 1)
    while share > max(NEAREST, 1e3 * eps):
        ends = _worst(_cut(evaluate, ends.a, ends.b, BLOCK), 1)
        share /= BLOCK - 1
        if not len(ends.a):
            return []
    return _named(evaluate, _Cells(*(part[_real(ends, eps)] for part in ends)))


class _Cells(NamedTuple):
    """Cells between neighbours on lines: their ends, the values and the changes by the slopes there, and what is amiss.

    `amiss` is what the trapezoidal rule misses, in nats; infinite where one end alone is finite.
    """

    a: np.ndarray
    b: np.ndarray
    values: np.ndarray
    changes: np.ndarray
    amiss: np.ndarray


def _cut(evaluate: Evaluate, a: np.ndarray, b: np.ndarray, nodes: int, least: float = -np.inf) -> _Cells:
    """Each line cut into cells, `[L, nodes - 1, ...]`."""
    t = np.linspace(0, 1, nodes)[:, None]
    points = a[:, None] * (1 - t) + b[:, None] * t
    value, gradient = evaluate(points.reshape(-1, a.shape[1]))
    value, gradient = np.asarray(value, float).reshape(points.shape[:2]), np.asarray(gradient, float)
    left, right = points[:, :-1], points[:, 1:]
    values = np.stack([value[:, :-1], value[:, 1:]], -1)
    with np.errstate(all="ignore"):
        gradient = gradient.reshape(points.shape)
        changes = np.stack([np.sum(g * (right - left), -1) for g in (gradient[:, :-1], gradient[:, 1:])], -1)
        amiss = np.abs(values[..., 1] - values[..., 0] - changes.mean(-1))
    finite = np.isfinite(values)
    amiss = np.where(finite.all(-1), np.nan_to_num(amiss, nan=0.0), np.where(finite.any(-1), np.inf, 0.0))
    best = np.max(np.where(finite, values, -np.inf), axis=-1)
    return _Cells(left, right, values, changes, np.where(best >= least, amiss, 0.0))


def _worst(cells: _Cells, most: int) -> _Cells:
    """The cells of each line at which the most is amiss, `[P, ...]`; none of a line on which little is."""
    with np.errstate(over="ignore"):
        wrong = cells.amiss.sum(1) > (MISSING if most > 1 else 0.0)
    order = np.argsort(-cells.amiss, axis=1)[:, :most]
    places = np.array([(line, cell) for line in np.flatnonzero(wrong) for cell in order[line]], int).reshape(-1, 2)
    kept = places[cells.amiss[places[:, 0], places[:, 1]] > 0]
    return _Cells(*(part[kept[:, 0], kept[:, 1]] for part in cells))


def _real(ends: _Cells, eps: float) -> np.ndarray:
    """Whether the two ends differ by more than their slopes and rounding explain."""
    with np.errstate(all="ignore"):
        size = np.abs(ends.values[:, 1] - ends.values[:, 0])
        rounding = 100 * eps * np.abs(ends.values).sum(1)
        jumped = size > STEEP * np.abs(ends.changes).max(1) + rounding + SMALLEST
    return np.where(np.isfinite(ends.values).all(1), jumped, np.isinf(ends.amiss))


def _named(evaluate: Evaluate, ends: _Cells) -> list[Jump]:
    """A jump for each coordinate, by going from one end to the other one coordinate at a time."""
    found: dict[tuple[bool, int], Jump] = {}
    for a, b, values in zip(ends.a, ends.b, ends.values, strict=True):
        filled = np.where(np.isfinite(values), values, -np.inf)
        inside, outside = (a, b) if filled[0] >= filled[1] else (b, a)
        path = np.where(np.arange(a.size) < np.arange(a.size + 1)[:, None], outside, inside)
        along = np.asarray(evaluate(path)[0], float)
        steps = np.abs(np.diff(np.where(np.isfinite(along), along, -1e300)))
        jump = Jump(inside, outside, int(np.argmax(steps)), float(filled.max() - filled.min()))
        known = found.get((jump.hole, jump.axis))
        if known is None or jump.size > known.size:
            found[jump.hole, jump.axis] = jump
    return sorted(found.values(), key=lambda jump: -jump.size)


def jump_words(found: list[Jump], place: Callable[[np.ndarray, int], tuple[str, float | None]]) -> str:
    """What a density does that gradients miss, and the remedy, as a phrase; holes come before jumps.

    Args:
        found: The jumps, at least one.
        place: Name of a coordinate, and the named value at a point where it has one.
    """
    holes = [jump for jump in found if jump.hole]
    where = " and ".join(_where(jump, place) for jump in (holes or found)[:2])
    if holes:
        return (
            f"the log density ends {where}, beyond which it is -inf or NaN: declare the set on which it lives, by "
            "positive(), bounded(low, high) or a prior on that set, or use a link function such as exp"
        )
    return (
        f"the log density jumps {where}, and its gradient misses jumps: sum the discrete choice out (logsumexp over "
        "its values), or make the step smooth (jax.nn.sigmoid)"
    )


def _where(jump: Jump, place: Callable[[np.ndarray, int], tuple[str, float | None]]) -> str:
    name, value = place(jump.inside, jump.axis)
    return f"in {name}" if value is None else f"in {name} near {0.0 if abs(value) < 1e-6 else value:.3g}"
