"""What is tried when a Gaussian cannot be trusted: richer families, then short chains, each kept only if it helps.

The fallbacks are tried where the verdict is "suspect" or "unusable", or its weights have a tail that decides sds; where
the family was left open; and where the fit has converged. They are bent coordinates, for regressions; a mixture over
separated optima; the sinh-arcsinh family, which bends the Gaussian; and Hamiltonian Monte Carlo in the space in which
the bent posterior is nearly Gaussian. Each is named in the verdict with what it cost and what it brought.
"""

from typing import Any, NamedTuple

import numpy as np

from taut.algorithms.on_density.base import Solution
from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.cost import CHAINS
from taut.families import Family
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence, certified
from taut.verdict.draws import JUDGE_STREAM, Columns
from taut.verdict.hamiltonian import FEW_CHAINS, GRADIENTS_EACH, MANY_CHAINS
from taut.verdict.judge import Judgement, judge_posterior
from taut.verdict.linear.seen import serves
from taut.verdict.orders import orders
from taut.verdict.trust import NOISE_VARIANCE, RIVAL_SHARE
from taut.verdict.warp import Warped, gradients_of_steps, warp

MOST_COORDINATES = 200
"""Largest number of coordinates for which richer families are tried: their maps have some 8 D parameters."""
SHARE_OF_FIT = 2.0
"""Gradients of chains for each gradient of the fit, up to which they are tried however long that takes."""
MOST_WORK, FIXED_WORK = 4e10, 20
"""Largest product of rows, unknowns and gradients of a fallback, about 20 s on one core; and the number of unknowns
whose products cost as much as the rest of a row's likelihood, which is added to theirs."""
WORTHWHILE = 0.05
"""Nats that one order of the coordinates must have brought before another is tried."""
DOUBTED_K = 0.55
"""k-hat from which a good verdict is checked by the next fallback: centred hierarchies have passed at 0.15 sd."""


class BestSoFar(NamedTuple):
    """The best answer so far, and what was tried.

    Attributes:
        family: q.
        judgement: The verdict on q with its draws.
        rungs: What was tried, a phrase each.
        reason: Why its family is another one than the algorithm's; "" where it is the same.
        source: The fallback that the draws come from; "" where they are those of the first answer.
    """

    family: Family
    judgement: Judgement
    rungs: tuple[str, ...] = ()
    reason: str = ""
    source: str = ""

    @property
    def trusted(self) -> bool:
        """Whether the answer can be used."""
        return self.judgement.verdict.trust.reliable

    @property
    def heavy(self) -> bool:
        """Whether weights that differ have a tail, as for a Gaussian on a Student-t whose sds are 15 % too small."""
        trust = self.judgement.verdict.trust
        return trust.k_hat >= DOUBTED_K and trust.half_variance > NOISE_VARIANCE

    def tried(self, note: str) -> "BestSoFar":
        """The same answer, with one more phrase on what was tried."""
        return self._replace(rungs=(*self.rungs, note))

    def better_of(self, family: Family, judgement: Judgement, name: str, evaluations: int) -> "BestSoFar":
        """The new answer if its ELBO is higher, else the old one; named either way."""
        gain = judgement.bound.elbo - self.judgement.bound.elbo
        answer = judgement.verdict.trust.answer
        tried = self.tried(f"{name}: ELBO {gain:+.2f} nats, trust {answer} ({evaluations:,} gradients)")
        # A reliable verdict on a worse q is luck: its tails may be where no draw looks.
        if gain <= 0:
            return tried
        reason = f"tried because a {self.family.phrase} could not be trusted, and its ELBO is {gain:.2f} nats higher"
        return tried._replace(family=family, judgement=judgement, reason=reason, source=name)


def try_fallbacks(
    model: Model,
    batch: Batch,
    density: Density,
    solution: Solution,
    gaussian: Gaussian | None,
    best: BestSoFar,
    seed: int,
    to_columns: Columns | None = None,
) -> BestSoFar:
    """Try one fallback after the other until an answer can be trusted or none is left.

    Args:
        model: The model, which names the unknowns.
        batch: All rows.
        density: Log density of all rows.
        solution: What the algorithm found.
        gaussian: Its answer; None where that is no Gaussian but the stretched one of many unknowns.
        best: The same answer with its verdict.
        seed: Seed of the draws.
        to_columns: A function in place of the model's own naming.
    """
    if best.trusted and not best.heavy:
        return best
    if gaussian is not None and serves(model):
        best = _bent_by_rows(model, batch, density, gaussian, best, seed, to_columns)
        if best.trusted:
            return best
    if gaussian is None or density.dim > MOST_COORDINATES:
        return _wide(model, batch, density, solution, best, seed, to_columns)
    rng = np.random.default_rng([seed, JUDGE_STREAM + 1])
    convergence = best.judgement.verdict.converged
    rows, jumps = int(batch.size), best.judgement.jumps
    common: Any = {"seed": seed, "rows": rows, "recurred": solution.recurred, "jumps": jumps, "to_columns": to_columns}
    if solution.share_of_rivals > 0:
        best = _mixture(model, density, solution, convergence, best, common)
        if best.trusted:
            return best
    if convergence.answer is Converged.NO and not np.isfinite(best.judgement.bound.elbo):
        return best
    if too_long := _too_long(rows, density.dim, gradients_of_steps(density.dim)):
        return _not_tried(best, "sinh-arcsinh", too_long)
    best = _warped(model, density, gaussian, solution, best, common, rng)
    if best.judgement.verdict.converged.answer is not Converged.YES or not _one_optimum(solution):
        return best
    if best.trusted and best.judgement.verdict.trust.k_hat < DOUBTED_K:
        return best
    if too_long := _too_long(rows, density.dim, MANY_CHAINS * GRADIENTS_EACH):
        return _not_tried(best, "Hamiltonian Monte Carlo", too_long)
    return _chains(model, batch, density, best, MANY_CHAINS, seed, to_columns)


def _wide(
    model: Model,
    batch: Batch,
    density: Density,
    solution: Solution,
    best: BestSoFar,
    seed: int,
    to_columns: Columns | None,
) -> BestSoFar:
    """Few chains in place of richer families, whose maps have too many parameters, for many unknowns.

    They cost little beside the fit: in q's own coordinates the posterior is nearly N(0, I), however many there are.
    """
    if best.judgement.verdict.converged.answer is not Converged.YES or not _one_optimum(solution):
        return best
    gradients = FEW_CHAINS * GRADIENTS_EACH
    too_long = _too_long(int(batch.size), density.dim, gradients)
    if too_long and gradients > SHARE_OF_FIT * solution.evaluations:
        return _not_tried(best, "Hamiltonian Monte Carlo", too_long)
    return _chains(model, batch, density, best, FEW_CHAINS, seed, to_columns)


def _bent_by_rows(
    model: Any,
    batch: Batch,
    density: Density,
    gaussian: Gaussian,
    best: BestSoFar,
    seed: int,
    to_columns: Columns | None,
) -> BestSoFar:
    """Coordinates of a regression bent one by one, by exact expectations over its rows: no gradients."""
    from taut.verdict.linear.bends import bend  # with SciPy's splines, a quarter of a second to load

    family = bend(model, batch, gaussian)
    if family is None:
        return best
    rows, convergence = int(batch.size), best.judgement.verdict.converged
    common: Any = {"seed": seed, "rows": rows, "to_columns": to_columns}
    concave = Capability.LOG_CONCAVE in model.offers
    judgement = judge_posterior(model, family, density, convergence, concave=concave, **common)
    return best.better_of(family, judgement, family.name, 0)


def _too_long(rows: int, dim: int, gradients: int) -> str:
    """Why a fallback of so many gradients is not tried, "" where it is."""
    if rows * (dim + FIXED_WORK) * gradients <= MOST_WORK:
        return ""
    return f"some {gradients:,} gradients over {rows:,} rows would take too long"


def _not_tried(best: BestSoFar, name: str, why: str) -> BestSoFar:
    """The same answer; where it is doubtful, with a phrase on what was left out."""
    return best if best.trusted else best.tried(f"{name}: not tried, {why}")


def _one_optimum(solution: Solution) -> bool:
    """Chains from one optimum's draws never see another."""
    return solution.recurred and solution.share_of_rivals <= RIVAL_SHARE


def _mixture(
    model: Model, density: Density, solution: Solution, convergence: Convergence, best: BestSoFar, common: Any
) -> BestSoFar:
    from taut.families.mixture import GaussianMixture

    before = density.evaluations
    gaussians, elbos = zip(*solution.rivals, strict=True)
    family = GaussianMixture.around_optima(gaussians, elbos)
    judgement = judge_posterior(model, family, density, convergence, **common)
    return best.better_of(family, judgement, f"mixture of {len(gaussians)} optima", density.evaluations - before)


def _warped(
    model: Any, density: Density, gaussian: Gaussian, solution: Solution, best: BestSoFar, common: Any, rng: Any
) -> BestSoFar:
    """The bent Gaussian, by one order of the coordinates after the other: only trying tells which depends on which."""
    for order in orders(density, gaussian, model, rng):
        before, elbo = density.evaluations, best.judgement.bound.elbo
        bent = warp(density, gaussian, order, rng)
        if bent.kept:
            certificate, rivals = _certificate(bent), solution.share_of_rivals
            judgement = judge_posterior(model, bent.family, density, certificate, rivals=rivals, **common)
            best = best.better_of(bent.family, judgement, "sinh-arcsinh", density.evaluations - before)
        else:
            best = best.tried(f"sinh-arcsinh: the ELBO did not rise ({density.evaluations - before:,} gradients)")
        if best.trusted or best.judgement.bound.elbo - elbo < WORTHWHILE:
            break
    return best


def _certificate(bent: Warped) -> Convergence:
    """What the two phases in bent coordinates certify."""
    errors = bent.averaged.mean_error, bent.averaged.sd_error
    left = float(0.5 * np.sum(errors[0] ** 2) + np.sum(errors[1] ** 2))
    return certified(bent.fixed.converged, left, {"mean_error": float(errors[0].max())})


def _chains(
    model: Model, batch: Batch, density: Density, best: BestSoFar, chains: int, seed: int, to_columns: Columns | None
) -> BestSoFar:
    """Chains from draws of q, whose draws become the answer: to be trusted only where the chains agree."""
    from taut.verdict.by_chains import by_chains  # with SciPy

    known: Any = {"chains": chains, "seed": seed, "to_columns": to_columns}
    with density.ledger.stage(CHAINS):
        judgement, note = by_chains(model, batch, density, best.family, best.judgement, **known)
    if judgement is None:
        return best.tried(note)
    return best._replace(judgement=judgement, source="Hamiltonian Monte Carlo").tried(note)
