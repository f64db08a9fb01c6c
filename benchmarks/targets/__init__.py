"""Posteriors with known answers: `targets()` are all that can be had here, `target(name)` is one."""

from collections.abc import Callable
from functools import cache, partial

from . import fresh, gaussians, hierarchies, poisson, posteriordb, sampled, shapes, weak, wide
from .target import Target as Target

OWN: dict[str, Callable[[], Target]] = {
    "one-liner": gaussians.one_liner,
    "gaussian-50": gaussians.gaussian,
    "log-gamma-1": partial(gaussians.log_gamma, 1.0, "log-gamma-1", {"skewed"}),
    "log-gamma-20": partial(gaussians.log_gamma, 20.0, "log-gamma-20", {"gaussian-fits"}),
    "student-t": shapes.student_t,
    "banana": shapes.banana,
    "funnel": shapes.funnel,
    "two-modes": shapes.two_modes,
    "eight-schools": partial(hierarchies.eight_schools, centred=True),
    "eight-schools-noncentred": partial(hierarchies.eight_schools, centred=False),
    "scales": hierarchies.scales,
    "poisson-effects": poisson.poisson_effects,
    "cauchy-location": weak.cauchy_location,
    "logistic-100": sampled.logistic,
    "horseshoe": sampled.horseshoe,
}
MAKERS = OWN | {name: partial(posteriordb.make, name) for name in posteriordb.present()}
"""What makes each target, by name; the posteriors of `../shared/data/posteriordb` only where that folder is present."""
FRESH = fresh.FRESH
"""Posteriors that tuned no threshold of the verdict."""
WIDE: dict[str, Callable[[], Target]] = {
    "laplace-50": partial(wide.laplace, 50),
    "laplace-2000": partial(wide.laplace, 2000),
    "independent-2000": wide.independent,
    "autoregressive-2000": wide.autoregressive,
    "factor-1000": partial(wide.factor, 1000),
    "factor-10000": partial(wide.factor, 10_000),
    "cox-1600": partial(wide.cox, True),
    "cox-1600-plain": partial(wide.cox, False),
    "items-1200": partial(wide.items, 1000),
    "items-3000": partial(wide.items, 2800),
}
"""Many unknowns: minutes each, so that they run only where they are asked for."""


@cache
def target(name: str) -> Target:
    """One target; made once, so that its compiled functions are shared."""
    return (MAKERS | FRESH | WIDE)[name]()


def targets(*tags: str) -> list[Target]:
    """All targets, or those that bear one of the tags."""
    found = [target(name) for name in MAKERS]
    return [t for t in found if not tags or t.tags & set(tags)]
