"""Checks of a log density before any fitting: at its start, at random points, and far out along every axis."""

import dataclasses
import inspect
from typing import Any

import jax
import numpy as np

from taut.errors import ArgumentError
from taut.models.checks import flatness
from taut.models.checks.jumps import Jump, jump_words, jumps
from taut.models.checks.structure import check_structure
from taut.models.checks.terms import AXES, BLOCK, DensityTerms, TermValues, listed

LINES = 6
"""Largest number of lines between random points on which jumps are looked for, and of coordinates without gradient."""
ROUND_TRIP = 1e-6
"""Largest relative error of z -> values -> z, times the precision over that of float64."""


@dataclasses.dataclass(frozen=True)
class Check:
    """What was found of a log density that passed.

    Attributes:
        dim: Number of unconstrained coordinates.
        log_density: Log density at the start, in nats, Jacobian included.
        points: Number of points that were tried around the start.
        finite: Number of these points with a finite density and gradient.
        evaluations: Number of log densities and gradients in all.
        notes: Sentences on what is allowed but odd.
    """

    dim: int
    log_density: float
    points: int
    finite: int
    evaluations: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        found = (
            f"{self.dim} unconstrained coordinate{'s' if self.dim > 1 else ''}; log density {self.log_density:.6g} at "
            f"the start; finite, with its gradient, at {self.finite} of {self.points} points around it."
        )
        return "\n".join([found, *self.notes])


def check(model: Any, rows: Any = None, *, dtype: Any = "float64", seed: int = 0) -> Check:
    """Check a log density before any fitting, and refuse what cannot be fitted.

    Args:
        model: The log density.
        rows: Its data, for the form by rows.
        dtype: The dtype of the fit.
        seed: Seed of the random points, uniform within 2 of the start in unconstrained coordinates.

    Returns:
        What was found.

    Raises:
        ArgumentError: a density that cannot be traced, is nowhere finite, has no gradient, ignores a parameter, is
            improper, or is not defined on the supports declared. Each names the parameter.
        DataError: a density by rows without rows.

    Example:
        >>> from taut.models import LogDensity, positive
        >>> check(LogDensity(lambda v: -v["scale"], parameters={"scale": positive()})).finite
        32
    """
    notes = check_structure(model, rows, dtype)
    terms = DensityTerms(model, rows, dtype)
    origin, dim = model.parameters.origin, len(terms.axes)
    size = BLOCK if not 8 < dim <= AXES else -(-(2 * dim + 8) // BLOCK) * BLOCK
    z = origin + np.random.default_rng(seed).uniform(-2, 2, (size, dim))
    z[0] = origin
    found = terms(z)
    _refuse_nowhere_finite(terms, found)
    _refuse_bad_round_trip(terms, z, found)
    notes += _holes(terms, z, found)
    if not found.finite.all():
        flatness.refuse_violated_supports(terms, z[found.finite])
    jumped = _jumps(terms, z, found)
    if jumped:
        words = jump_words(jumped, model.place)
        notes.append(words[0].upper() + words[1:] + ".")
    stepped = {jump.axis for jump in jumped}
    notes += flatness.refuse_ignored(terms, z[found.finite], found.gradient[found.finite], stepped)
    flatness.refuse_wrong_gradients(terms, z[found.finite])
    flatness.refuse_improper(terms, z[found.finite])
    value = float(found.density[0] + found.log_jacobian[0])
    return Check(dim, value, size, int(found.finite.sum()), terms.evaluations, tuple(notes))


def _jumps(terms: DensityTerms, z: np.ndarray, found: TermValues) -> list[Jump]:
    """Jumps and ends between the random points, and along coordinates in which the gradient is zero at all of them."""
    inside, outside = np.flatnonzero(found.finite)[-LINES:], np.flatnonzero(~found.finite)[:2]
    if len(inside) < 2:
        return []
    start, end = z[inside], z[np.roll(inside, 1)]
    start[: len(outside)] = z[outside][: len(start)]
    flat = np.flatnonzero(~np.any(found.gradient[found.finite] != 0, axis=0))[:LINES]
    along = np.zeros((len(flat), z.shape[1]))
    along[np.arange(len(flat)), flat] = 2.0
    start, end = np.concatenate([start, z[inside[-1]] - along]), np.concatenate([end, z[inside[-1]] + along])

    def evaluate(points):
        seen = terms(points)
        with np.errstate(all="ignore"):
            value = np.where(seen.finite, seen.density + seen.log_jacobian, -np.inf)
        return value, np.where(seen.finite[:, None], seen.gradient + seen.volume_gradient, 0.0)

    with np.errstate(all="ignore"):
        least = float((found.density + found.log_jacobian)[found.finite].min())
    return jumps(evaluate, start, end, terms.dtype, least)


def _refuse_nowhere_finite(terms: DensityTerms, found: TermValues) -> None:
    if found.finite.any():
        return
    size, value = len(found.density), found.density
    if np.isfinite(value).any():
        bad = ~np.isfinite(found.gradient[np.isfinite(value)]).any(0)
        raise ArgumentError(
            f"The gradient with respect to {listed(a[0] for a, b in zip(terms.axes, bad, strict=True) if b)} is not "
            f"finite at any of {size} points, though the density is. Usual causes: the square root or logarithm of "
            "zero in the branch that jnp.where does not take, or a norm at zero; make the argument safe inside."
        )
    word = "NaN" if np.isnan(value).all() else "infinite (+inf)" if (value == np.inf).all() else "not finite"
    raise ArgumentError(
        f"The log density is {word} at the start and at {size - 1} points around it (within 2 in unconstrained "
        f"coordinates).{_bad_data(terms.model.density)} If it is finite elsewhere only, start there: give the "
        "parameter as an array of starting values, or on another scale."
    )


def _bad_data(function: Any) -> str:
    """Which array inside the function is not finite, if that can be told from outside."""
    function = function.__func__ if inspect.ismethod(function) else function
    if not inspect.isfunction(function):
        return ""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        x = cell.cell_contents
        if isinstance(x, (np.ndarray, jax.Array)) and np.issubdtype(x.dtype, np.floating) and np.isnan(x).any():
            return f" The array {name!r} inside it holds {int(np.isnan(x).sum())} NaN: remove them."
    return ""


def _refuse_bad_round_trip(terms: DensityTerms, z: np.ndarray, found: TermValues) -> None:
    tolerance = ROUND_TRIP * max(1.0, float(np.finfo(terms.dtype).eps / np.finfo(float).eps) / 1e4)
    wrong = ~(np.abs(found.again - z) <= tolerance * np.maximum(1, np.abs(z)))
    bad = wrong[found.finite].any(0)
    if bad.any():
        raise ArgumentError(
            f"The transform of {listed(a[0] for a, b in zip(terms.axes, bad, strict=True) if b)} does not lead back: "
            "from unconstrained to constrained and back again is another point. Choose another support or scale."
        )


def _holes(terms: DensityTerms, z: np.ndarray, found: TermValues) -> list[str]:
    """Notes on points where density or gradient is not finite."""
    if found.finite.all():
        return []
    first = int(np.argmin(found.finite))
    where = ", ".join(f"{n}={v:.3g}" for (n, _), v in list(zip(terms.axes, z[first], strict=True))[:4])
    notes = [
        f"Density or gradient is not finite at {int((~found.finite).sum())} of {len(z)} points, for example at "
        f"{where} (unconstrained)."
    ]
    if not found.finite[0]:
        notes.append("The start is one of them; a fit begins elsewhere.")
    return notes
