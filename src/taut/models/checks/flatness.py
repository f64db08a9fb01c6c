r"""Directions in which a log density does not fall as it must: ignored, unidentified, improper, not differentiable.

That a density is improper can be proved by looking along lines: if the integral over one coordinate diverges for the
others in a set of positive measure, then by Fubini's theorem the integral over all diverges. Two random points, and the
asymptotic slope of the log density along each axis through them: in x on the real line the conditional density is
integrable only if log p falls faster than -log|x|, in the logarithm or logit of a constrained value only if it falls at
all.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from taut.errors import ArgumentError
from taut.models.checks.terms import AXES, DensityTerms, listed

REAL_RADII = (1e14, 1e16)
"""Radii at which the slope in log|x| is measured: beyond any prior that a person would write down."""
LOG_RADII = (40.0, 80.0)
"""Radii at which the slope in a logarithm or logit is measured: e^40 is 2e17."""
BOUNDED = ("unit interval", "bounded", "simplex")
"""Supports of finite volume, on which a density that ignores its argument is uniform, not improper."""
LARGE = 1e12
"""Size of a log density, in nats, above which rounding hides a slope."""
PROBES = np.array([-3.0, -1.0, -0.1, 0.1, 0.5, 0.9, 1.1, 3.0])
"""Values of an unknown at which its support is tested: below zero, between zero and one, and above one."""
DIFFERENCES = (1e-4, 1e-5)
"""Step lengths of the central differences that are compared with the gradient."""


def _total(terms: DensityTerms, z: np.ndarray) -> np.ndarray:
    seen = terms(z)
    with np.errstate(all="ignore"):
        return seen.density + seen.log_jacobian


def _moved(base: np.ndarray, axis: int, to: np.ndarray) -> np.ndarray:
    points = np.repeat(base[None], len(to), axis=0)
    points[:, axis] = to
    return points


def refuse_violated_supports(terms: DensityTerms, bases: np.ndarray) -> None:
    """Refuse a parameter declared real whose density is finite on one side of zero, or between 0 and 1, only."""
    reals = [i for i, (_, kind) in enumerate(terms.axes) if kind == "real"]
    if len(terms.axes) > AXES or not reals or len(bases) < 2:
        return
    bases = bases[:3]
    points = np.concatenate([_moved(b, i, PROBES) for i in reals for b in bases])
    finite = np.isfinite(terms(points).density).reshape(len(reals), len(bases), len(PROBES))
    for i, good in zip(reals, finite, strict=True):
        name = terms.axes[i][0]
        left, between, right = good[:, :3], good[:, 3:6], good[:, 6:]
        if left.any() or not between.all():
            continue
        remedy = "positive()" if right.all() else "unit_interval()" if not right.any() else None
        if remedy:
            where = "positive values" if right.all() else "values between 0 and 1"
            raise ArgumentError(
                f"The log density is finite for {where} of {name} only, but {name} was declared real(). Declare it "
                f"{remedy}."
            )


def refuse_ignored(
    terms: DensityTerms, bases: np.ndarray, gradient: np.ndarray, stepped: AbstractSet[int] = frozenset()
) -> list[str]:
    """Refuse parameters, and for up to 64 coordinates directions, along which the density is constant.

    Args:
        terms: The log density.
        bases: Points `[S, D]` at which everything is finite.
        gradient: Gradient of the log density at these points, without the Jacobian, `[S, D]`.
        stepped: Coordinates in which the density is known to jump: these matter, whatever their gradient.

    Returns:
        Notes on ignored parameters whose set is bounded: their posterior is uniform.
    """
    ignored = ~np.any(gradient != 0, axis=0)
    ignored[list(stepped)] = False
    names = [n for (n, _), bad in zip(terms.axes, ignored, strict=True) if bad]
    if not names:
        if not stepped:
            _refuse_unidentified(terms, bases, gradient)
        return []
    for i in np.flatnonzero(ignored)[:AXES]:
        # Not at the start, where two rates may be equal and which of them applies makes no difference.
        base = bases[-1]
        values = terms(_moved(base, i, base[i] + np.array([0.0, -3.0, -1.0, 1.0, 3.0]))).density
        if np.any(values != values[0]):
            raise ArgumentError(
                f"The log density changes with {terms.axes[i][0]} but its gradient is zero everywhere: it rounds, "
                "compares, indexes or stops the gradient. Such a parameter cannot be fitted by gradients; sum it out."
            )
    if ignored.all():
        raise ArgumentError(f"The log density is constant: it uses none of its parameters ({listed(names)}).")
    free = [n for (n, kind), bad in zip(terms.axes, ignored, strict=True) if bad and kind not in BOUNDED]
    if free:
        raise ArgumentError(
            f"The log density ignores {listed(free)}: the posterior is improper. Use the parameter, give it a prior, "
            "or remove it."
        )
    return [f"The log density ignores {listed(names)}: its posterior is uniform on its set."]


def _refuse_unidentified(terms: DensityTerms, bases: np.ndarray, gradient: np.ndarray) -> None:
    """Gradients that all miss one direction: the density is constant along it."""
    dim = gradient.shape[1]
    if dim > AXES or dim == 1:
        return
    scale = np.abs(gradient).max(0)
    relative = gradient[np.any(gradient != 0, axis=1)] / scale
    if len(relative) < dim + 1:
        return
    _, s, turned = np.linalg.svd(relative / np.abs(relative).max(1, keepdims=True))
    if s[-1] > 1e-10 * s[0]:
        return
    direction = turned[-1] / scale
    direction /= np.abs(direction).max()
    far = np.concatenate([b + h * direction for b in bases[:2] for h in (0.0, 1e2, 1e8)]).reshape(-1, dim)
    value = terms(far).density.reshape(2, 3)
    if not np.isfinite(value).all() or np.ptp(value, axis=1).max() > 1e-6 + 1e-9 * np.abs(value[:, 0]).max():
        return
    part = [n for (n, _), d in zip(terms.axes, direction, strict=True) if abs(d) > 1e-6]
    raise ArgumentError(
        f"The log density is constant along a line: {listed(part)} can move together without changing it, so that the "
        "posterior is improper. Give them priors, or fix one of them."
    )


def refuse_wrong_gradients(terms: DensityTerms, bases: np.ndarray) -> None:
    """Refuse a density whose gradient disagrees with its own differences, parameter by parameter, at three points."""
    parameters = terms.model.parameters
    if terms.dtype != np.float64 or len(parameters.names) > 16:
        return
    bases = bases[1:4]  # the start may be a stationary point
    edges = np.cumsum([0, *(int(np.prod(s)) for s in parameters.free_shapes)])
    random = np.random.default_rng(0)
    directions = np.zeros((len(parameters.names), len(terms.axes)))
    for u, start, stop in zip(directions, edges[:-1], edges[1:], strict=True):
        u[start:stop] = random.choice([-1.0, 1.0], stop - start)
    steps = [s * h * u for u in directions for h in DIFFERENCES for s in (1, -1)]
    value = terms(np.concatenate([bases + step for step in steps])).density
    value = value.reshape(len(directions), len(DIFFERENCES), 2, len(bases))
    with np.errstate(all="ignore"):
        differences = (value[:, :, 0] - value[:, :, 1]) / (2 * np.array(DIFFERENCES)[:, None])
        slope = (terms(bases).gradient @ directions.T).T
        size = np.abs(differences).max(1) + np.abs(slope)
        steady = np.abs(np.diff(differences, axis=1))[:, 0] < 0.01 * size + 1e-6
        wrong = np.abs(differences[:, -1] - slope) > 0.1 * size + 1e-4
    bad = (steady & wrong).all(1) & np.isfinite(differences).all((1, 2))
    if bad.any():
        name = parameters.names[int(np.argmax(bad))]
        raise ArgumentError(
            f"The gradient with respect to {name} is not that of the log density (by differences at three points): a "
            "stopped gradient, rounding, or a derivative defined by hand and wrong."
        )


def refuse_improper(terms: DensityTerms, bases: np.ndarray) -> None:
    """Refuse a density whose integral over some coordinate diverges.

    For more than 64 coordinates: over some parameter, all of it moved along one line.
    """
    lines = _lines(terms)
    bases = bases[1:3] if len(bases) > 2 else bases[:2]
    points = np.concatenate(
        [b + sign * r * u for _, u, radii in lines for b in bases for sign in (1, -1) for r in radii]
    )
    value = _total(terms, points.reshape(-1, bases.shape[1])).reshape(len(lines), len(bases), 2, 2)
    for (name, _, radii), seen in zip(lines, value, strict=True):
        with np.errstate(all="ignore"):
            fall = seen[..., 0] - seen[..., 1]
            least = 0.95 * np.log(radii[1] / radii[0]) if radii is REAL_RADII else 1e-6
            size = np.abs(seen).max(-1)
            diverges = np.isfinite(seen).all(-1) & (((fall < least) & (size < LARGE)) | (fall < -1e-6 * size))
            diverges |= (seen == np.inf).any(-1)
        for side, word in enumerate(("large", "very negative")):
            if diverges[:, side].all():
                raise ArgumentError(
                    f"The posterior is improper: the log density does not fall for {word} values of {name} "
                    f"({'real line' if radii is REAL_RADII else 'logarithmic scale'}; tried at {len(bases)} random "
                    f"points). Give {name} a proper prior."
                )


def _lines(terms: DensityTerms) -> list[tuple[str, np.ndarray, Any]]:
    """(name, direction, radii): each coordinate, or of large models each parameter."""
    dim = len(terms.axes)
    if dim <= AXES:
        return [
            (n, np.eye(dim)[i], REAL_RADII if kind == "real" else LOG_RADII) for i, (n, kind) in enumerate(terms.axes)
        ]
    parameters, found, at = terms.model.parameters, [], 0
    random = np.random.default_rng(1)
    for name, kind, shape in zip(parameters.names, parameters.kinds, parameters.free_shapes, strict=True):
        u, size = np.zeros(dim), int(np.prod(shape))
        u[at : at + size] = random.choice([-1.0, 1.0], size)
        at += size
        found.append((name, u, REAL_RADII if kind == "real" else LOG_RADII))
    return found[:AXES]
