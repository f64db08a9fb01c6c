"""When a Gaussian cannot be trusted: richer families, then a short chain in their space, each kept only if it helps.

A rung is climbed where the verdict is "suspect" or "unusable", or its weights have a tail that decides sds, the family
was left open, and the fit has settled:
a mixture over separated optima; the sinh-arcsinh family, which bends the Gaussian; Hamiltonian Monte Carlo in the space
in which the bent posterior is nearly Gaussian. Each is named in the verdict with what it cost and what it brought.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from taut.algorithms.on_density.base import Settled
from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.families import Family
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Converged, Trusted
from taut.verdict.convergence import Convergence, certified
from taut.verdict.draws import JUDGE_STREAM, columns, log_prob_of, named_values
from taut.verdict.hamiltonian import moments, second_opinion
from taut.verdict.judge import Judged, judge_draws, share_of_rivals
from taut.verdict.trust import NOISE_VARIANCE, RIVAL_SHARE, heavy_tails
from taut.verdict.warp import orders, warp

MOST_COORDINATES = 200
"""Up to which the upper rungs are tried: their maps have some 8 D parameters and their chains are short."""

WORTHWHILE = 0.05
"""Nats that an order of the coordinates must have brought before another is tried."""
DOUBTED_K = 0.55
"""k-hat from which a good verdict is checked by the next rung: centred hierarchies have passed at 0.15 sd."""
FARTHEST = 0.25
"""Sds, or share of an sd, that chains may have moved before their own answer is in doubt."""
HEAVIEST = 0.85
"""Tail shape of squared deviations beyond which short chains cannot have seen enough of the tail for an sd."""


class Standing(NamedTuple):
    """Where the ladder has been left.

    Attributes:
        family: q.
        judged: its verdict.
        rungs: what was tried, a phrase each.
    """

    family: Family
    judged: Judged
    rungs: tuple[str, ...]


def climb(
    model: Model, batch: Batch, density: Density, settled: Settled, best: Gaussian, standing: Standing, seed: int
) -> Standing:
    """Climb until an answer can be trusted or the ladder ends.

    Args:
        model: what names the unknowns.
        batch: all rows.
        density: theirs.
        settled: what the Gaussian engine found.
        best: its answer.
        standing: the Gaussian and its verdict.
        seed: of the draws.
    """
    if (_trusted(standing) and not _heavy(standing)) or density.dim > MOST_COORDINATES:
        return standing
    rng = np.random.default_rng([seed, JUDGE_STREAM + 1])
    convergence = standing.judged.verdict.converged
    common: Any = {"seed": seed, "rows": int(batch.size), "recurred": settled.recurred}
    if share_of_rivals(settled.rivals) > 0:
        standing = _mixture(model, density, settled, convergence, standing, common)
        if _trusted(standing):
            return standing
    if convergence.answer == Converged.NO and not np.isfinite(standing.judged.bound.elbo):
        return standing
    standing = _warped(model, density, best, settled, standing, common, rng)
    if standing.judged.verdict.converged.answer != Converged.YES or not _one_optimum(settled):
        return standing
    if _trusted(standing) and standing.judged.verdict.trust.k_hat < DOUBTED_K:
        return standing
    return _chains(model, batch, density, standing, seed)


def _one_optimum(settled: Settled) -> bool:
    """Chains from one optimum's draws never see another."""
    return settled.recurred and share_of_rivals(settled.rivals) <= RIVAL_SHARE


def _trusted(standing: Standing) -> bool:
    return standing.judged.verdict.trust.reliable


def _heavy(standing: Standing) -> bool:
    """Whether weights that differ have a tail: a Gaussian on a Student-t has passed with sds of 0.85 of the truth."""
    trust = standing.judged.verdict.trust
    return trust.k_hat >= DOUBTED_K and trust.half_variance > NOISE_VARIANCE


def _mixture(model, density, settled, convergence, standing, common) -> Standing:
    from taut.families.mixture import GaussianMixture

    before = density.evaluations
    gaussians, elbos = zip(*settled.rivals, strict=True)
    family = GaussianMixture.around_optima(gaussians, elbos)
    judged = judge_draws(model, family, density, convergence, **common)
    return _kept(standing, family, judged, f"mixture of {len(gaussians)} optima", density.evaluations - before)


def _warped(model, density, best, settled, standing, common, rng) -> Standing:
    """Rung B, by one order of the coordinates after the other: only trying tells which depends on which."""
    rivals = share_of_rivals(settled.rivals)
    for order in orders(density, best, model.parameters, rng):
        before, elbo = density.evaluations, standing.judged.bound.elbo
        bent = warp(density, best, order, rng)
        if bent.kept:
            judged = judge_draws(model, bent.family, density, _of_phases(bent), rivals=rivals, **common)
            standing = _kept(standing, bent.family, judged, "sinh-arcsinh", density.evaluations - before)
        else:
            note = f"sinh-arcsinh: the ELBO did not rise ({density.evaluations - before:,} gradients)"
            standing = standing._replace(rungs=(*standing.rungs, note))
        gained = standing.judged.bound.elbo - elbo
        if _trusted(standing) or gained < WORTHWHILE:
            break
    return standing


def _of_phases(bent: Any) -> Convergence:
    """What the two phases in bent coordinates certify."""
    errors = bent.averaged.mean_error, bent.averaged.sd_error
    left = float(0.5 * np.sum(errors[0] ** 2) + np.sum(errors[1] ** 2))
    return certified(bent.climbed.converged, left, {"mean_error": float(errors[0].max())})


def _kept(standing: Standing, family: Family, judged: Judged, name: str, evaluations: int) -> Standing:
    """The new rung if its ELBO is higher, else the old one; named either way."""
    gain = judged.bound.elbo - standing.judged.bound.elbo
    note = f"{name}: ELBO {gain:+.2f} nats, trust {judged.verdict.trust.answer} ({evaluations:,} gradients)"
    rungs = (*standing.rungs, note)
    if gain > 0:  # a reliable verdict on a worse q is luck: its tails may be where no draw looks
        return Standing(family, judged, rungs)
    return standing._replace(rungs=rungs)


def _chains(model, batch, density, standing, seed) -> Standing:
    """Rung C: where the chains agree with each other their draws are the answer, and how far they went is said."""
    opinion = second_opinion(model, batch, standing.family, seed, density.dtype)
    z = opinion.draws.reshape(-1, density.dim)
    names, values = columns(named_values(model, z, density.dtype))
    before = columns(named_values(model, standing.judged.z, density.dtype))[1]
    shift, ratio = (values.mean(0) - before.mean(0)) / before.std(0), values.std(0) / before.std(0)
    # Of the named values, not of their logarithms: a tail that is short in z may be long in x.
    seen = moments(values.reshape(len(opinion.draws), -1, values.shape[1]))
    largest, widest, r_hat = np.abs(shift).max(), np.abs(ratio - 1).max(), float(seen.r_hat.max())
    chains, gradients = len(opinion.draws), opinion.evaluations
    said = f"Hamiltonian Monte Carlo: {chains} chains, R-hat {r_hat:.3f} ({gradients:,} gradients)"
    verdict = standing.judged.verdict
    if not seen.believed:
        return standing._replace(rungs=(*standing.rungs, f"{said}, which do not agree"))
    answer = Trusted.CORRECTED
    reason = (
        f"chains that started from draws of q moved means by up to {largest:.2f} sd and sds by up to {widest:.0%}; "
        "fit.sample() and fit.summary() use their draws"
    )
    heavy = heavy_tails(values, above=HEAVIEST)
    if heavy.any():  # short chains have not been in tails like these
        answer, which = Trusted.SUSPECT, ", ".join(np.array(names)[heavy][:3])
        reason = f"heavy tails: no number of draws settles the sd of {which}; read quantiles, not sds"
    elif max(largest, widest) > FARTHEST:  # what chains have moved is a lower bound of what they have yet to move
        answer, which = Trusted.SUSPECT, names[int(np.argmax(np.maximum(np.abs(shift), np.abs(ratio - 1))))]
        moved = f"by up to {largest:.2f} sd and its sd by {widest:.0%}"
        reason = f"short chains from draws of q moved {which} {moved}, and longer ones may move it on"
    trust = dataclasses.replace(
        verdict.trust,
        answer=answer,
        reason=reason,
        names=names,
        shift=shift,
        sd_ratio=ratio,
        second_moment_size=np.where(heavy, 0.0, len(z)),
    )
    judged = standing.judged._replace(
        verdict=dataclasses.replace(verdict, trust=trust),
        z=z,
        weights=np.full(len(z), 1 / len(z)),
        log_prob=density(z).value,
        log_q=log_prob_of(standing.family, z, density.dtype),
    )
    return Standing(standing.family, judged, (*standing.rungs, said))
