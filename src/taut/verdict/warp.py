r"""The second of the fallbacks: the Gaussian is bent where it does not fit, and fitted again in bent coordinates.

The map T of the triangular sinh-arcsinh family is found by natural-gradient steps on the ELBO (`bending.py`),

    ELBO(T) = E_z[log p(T(z)) + log |det dT/dz|] + H(z).

Seen from z, log p(T(z)) + log |det dT/dz| is a density like any other, only more nearly Gaussian: averaged steps of
score regression on fresh draws find the distribution of z. The answer is kept only if the ELBO rises on draws that both
share.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.phases import Averaged, draws_for, fresh_draws
from taut.families.full_rank import FullRank
from taut.families.sinh_arcsinh import Bend, SinhArcsinh
from taut.models.density import Density
from taut.verdict.bending import Learned, learn, learn_on
from taut.verdict.warped import WarpedDensity

ITERATIONS, ERROR = 40, 0.02
"""Largest number of averaged steps, and their Monte Carlo error in sds at which they end."""
COMPARED = 1024
"""Number of draws on which the Gaussian and the bent Gaussian are compared."""


class Warped(NamedTuple):
    """The bent Gaussian, and whether it is better.

    Attributes:
        family: The bent Gaussian.
        density: log p as a density over its z.
        gaussian: The distribution of z, so that `density` and `gaussian` are a density and its Gaussian.
        learned: The bend, and what steps of its parameters still promise.
        averaged: The averaged steps that found `gaussian`.
        gain: Difference of its ELBO to the Gaussian's, in nats, on common draws.
        gain_error: Standard error of `gain`.
        kept: Whether the gain is positive beyond two standard errors.
        evaluations: Number of points at which log p was computed.
    """

    family: SinhArcsinh
    density: WarpedDensity
    gaussian: Gaussian
    learned: Learned
    averaged: Averaged
    gain: float
    gain_error: float
    kept: bool
    evaluations: int


def warp(
    density: Density, q: Gaussian, order: Int[np.ndarray, " D"], rng: np.random.Generator, begun: Bend | None = None
) -> Warped:
    """Bend `q`.

    Args:
        density: log p.
        q: The best Gaussian.
        order: `[D]`, a permutation of the coordinates, see `verdict.orders`.
        rng: Random numbers of the draws.
        begun: A bend to go on from, with twice as many draws a step; from none by default.
    """
    before = density.evaluations
    frame = SinhArcsinh.around(q.mean, factor=q.factor, order=order).frame
    lower = np.tril(frame.lower, -1) + np.diag(np.exp(frame.log_diagonal))
    straight = WarpedDensity(density, frame.mean, lower, order, Bend.identity(density.dim))
    learned = learn(straight, rng) if begun is None else learn_on(straight.through(begun), rng)
    bent = straight.through(learned.bend)
    standard = Gaussian(np.zeros(density.dim), np.eye(density.dim))
    averaged = fresh_draws(bent, standard, rng, draws_for(density.dim), most=ITERATIONS, error=ERROR)

    z = matched_draws(rng, COMPARED, density.dim)
    ends = [standard, averaged.phase.gaussian]
    values = [bent.values(end.at(z)) - end.log_prob(z) for end in ends]
    best = int(np.argmax([v.mean() for v in values]))
    with np.errstate(invalid="ignore"):
        gains = values[best] - (density.values(q.at(z))[0] - q.log_prob(z))
        gain, error = float(gains.mean()), float(gains.std()) / np.sqrt(len(z))
    family = SinhArcsinh(FullRank.of(*ends[best]), bent.bend, frame, order)
    return Warped(
        family, bent, ends[best], learned, averaged, gain, error, bool(gain > 2 * error), density.evaluations - before
    )
