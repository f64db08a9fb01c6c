"""From a log density to the best Gaussian that was found, and whether it was found twice.

The short route serves most posteriors: maximise from 16 points, begin at the distinct modes, and phase 1 converges in a
few iterations. Where it does not (centred hierarchies, heavy tails), points along the paths of the ascents are tried,
many of them briefly and the best at length. A posterior may have several optima, and the best one may have been missed.
So the best ELBO must recur from another start; otherwise more starts are made, or the answer says that it did not.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.phases import Phase, draws_for, fixed_draws
from taut.algorithms.on_density.quasi_newton import maximise
from taut.algorithms.on_density.starts import Candidate, along_paths, modes
from taut.models.density import Density

STARTS = 16
"""Number of starts of the first round."""
RANGE = 2.0
"""Half-width of the uniform distribution of starts in each unconstrained coordinate, as in Stan."""
SAME_OPTIMUM = 0.3
"""Nats within which two starts have found the same ELBO."""
RIVAL = 7.0
"""Nats below the best within which a distinct optimum still holds a thousandth of the mass."""
APART = 3.0
"""Sds between the means of two Gaussians that are distinct optima."""
QUICK, PATIENT, LONG = 25, 30, 120
"""Trials of phase 1 for each candidate, for the three best along paths, and for the best."""
AROUND, FAR = 16, 20.0
"""Number of ascents from around the answer, and the largest distance in sds at which they begin."""
MANY = 100
"""Number of coordinates above which fewer paths are followed: a curvature costs 2D gradients and D^3, and four paths of
a hierarchy have led to the same optimum as sixteen."""
FEW_PATHS = 4
"""Number of paths that are followed above `MANY` coordinates."""


class Found(NamedTuple):
    """The outcome of a search.

    Attributes:
        best: The best end of phase 1.
        recurred: Whether another start found the same ELBO.
        rivals: Distinct optima that may hold mass that `best` misses, the best first; all have converged.
        starts: Number of ascents.
        draws: `[S, D]`, the fixed draws.
    """

    best: Phase
    recurred: bool
    rivals: list[Phase]
    starts: int
    draws: Float[np.ndarray, "S D"]


def search(density: Density, origin: Float[np.ndarray, " D"], rng: np.random.Generator) -> Found | None:
    """The best Gaussian by phase 1 from many starts; None where no start has a finite ELBO."""
    z = matched_draws(rng, draws_for(density.dim), density.dim)
    found, made = None, 0
    for count in (STARTS, 2 * STARTS):
        starts = origin + rng.uniform(-RANGE, RANGE, (count, density.dim))
        if made == 0:
            starts[0] = origin
        made += count
        ascents = maximise(density, starts)
        # Where no ascent has arrived they all rise without bound, and their ends are no modes.
        again = _by_modes(modes(density, ascents, rng), density, z, made) if ascents.arrived.any() else None
        if again is None or not again.best.converged:
            paths = along_paths(density, ascents, rng, FEW_PATHS if density.dim > MANY else count)
            again = _better(again, _by_paths(paths, density, z, made))
        found = _merged(found, again, made)
        if found is not None and found.recurred:
            break
    return found if found is None else _around(found, density, rng)


def _around(found: Found, density: Density, rng: np.random.Generator) -> Found:
    """What ascents from far around the answer add: modes that the first starts were too close together to find."""
    from scipy.stats.qmc import LatinHypercube  # half a second to import

    q = found.best.gaussian
    # A Latin hypercube: no coordinate's far sides are left out by chance.
    places = LatinHypercube(density.dim, rng=rng).random(AROUND)
    begin = q.mean + q.sd * FAR * (2 * places - 1)
    known = [run.gaussian for run in found.rivals] or [q]
    ascents = maximise(density, begin)
    # An end near a Gaussian that is known is the mode that it is at: no curvature is spent on it.
    near = [np.linalg.norm(np.linalg.solve(g.factor, (ascents.ends - g.mean).T), axis=0) <= APART for g in known]
    ascents = ascents._replace(values=np.where(np.any(near, axis=0), -np.inf, ascents.values))
    new = [
        c
        for c in modes(density, ascents, rng)
        if all(_distance(c.gaussian, g) > APART for g in known) and c.elbo > found.best.elbo - 2 * RIVAL
    ]
    runs = [fixed_draws(density, c.gaussian, found.draws, QUICK) for c in new]
    rivals = _distinct([*found.rivals, *runs])
    starts = found.starts + AROUND
    if rivals and rivals[0].elbo > found.best.elbo + SAME_OPTIMUM:
        return found._replace(best=rivals[0], recurred=False, rivals=rivals, starts=starts)
    return found._replace(rivals=rivals, starts=starts)


def _by_modes(starts: list[Candidate], density: Density, z, made: int) -> Found | None:
    if not starts:
        return None
    near = [c for c in starts if c.elbo >= starts[0].elbo - 2 * RIVAL][:4]
    runs = [(fixed_draws(density, c.gaussian, z, QUICK), c) for c in near]
    runs = sorted(runs, key=lambda run: -run[0].elbo)
    best, start = runs[0]
    recurred = len(start.ascents) > 1 or _recurs(best, [run for run, _ in runs[1:]])
    return Found(best, recurred, _distinct([run for run, _ in runs]), made, z)


def _by_paths(starts: list[Candidate], density: Density, z, made: int) -> Found | None:
    if not starts:
        return None
    runs = _ranked([fixed_draws(density, c.gaussian, z, QUICK) for c in starts[:8]])
    runs = _ranked([*(_longer(density, run, z, PATIENT) for run in runs[:3]), *runs[3:]])
    best = _longer(density, runs[0], z, LONG)
    return Found(best, _recurs(best, runs[1:]), _distinct([best, *runs[1:]]), made, z)


def _longer(density: Density, run: Phase, z, most: int) -> Phase:
    if run.converged:
        return run
    more = fixed_draws(density, run.gaussian, z, most)
    return more._replace(
        iterations=run.iterations + more.iterations,
        elbos=run.elbos + more.elbos,
        log_likelihoods=run.log_likelihoods + more.log_likelihoods,
    )


def _ranked(runs: list[Phase]) -> list[Phase]:
    return sorted(runs, key=lambda run: -run.elbo)


def _recurs(best: Phase, others: list[Phase]) -> bool:
    return any(best.elbo - run.elbo < SAME_OPTIMUM for run in others)


def _distinct(runs: list[Phase]) -> list[Phase]:
    """The converged runs, best first, that lie apart from every better one and are close to the best in ELBO."""
    kept: list[Phase] = []
    for run in _ranked([run for run in runs if run.converged]):
        if kept and run.elbo < kept[0].elbo - RIVAL:
            break
        if all(_distance(run.gaussian, other.gaussian) > APART for other in kept):
            kept.append(run)
    return kept


def _distance(a: Gaussian, b: Gaussian) -> float:
    """Sds between the means, by the wider of the two."""
    away = (np.linalg.norm(np.linalg.solve(q.factor, a.mean - b.mean)) for q in (a, b))
    return float(min(away))


def _better(a: Found | None, b: Found | None) -> Found | None:
    if a is None or b is None:
        return a or b
    return a if a.best.elbo >= b.best.elbo and a.best.converged >= b.best.converged else b


def _merged(before: Found | None, after: Found | None, made: int) -> Found | None:
    """The better of two rounds; what both found has recurred."""
    best = _better(before, after)
    if before is None or after is None or best is None:
        return best
    again = abs(before.best.elbo - after.best.elbo) < SAME_OPTIMUM
    rivals = _distinct([*before.rivals, *after.rivals])
    return best._replace(recurred=best.recurred or again, rivals=rivals, starts=made)
