"""What is tried when a Gaussian cannot be trusted: richer answers, the cheapest first, each kept only if it helps.

The fallbacks are tried where the verdict is "suspect" or "unusable", or its weights differ by more than noise; and
where the family was left open. They are bent coordinates, for regressions; a mixture over separated optima; quadrature,
for one unknown; draws that are wider than q's, with their weights; the sinh-arcsinh family, which bends the Gaussian,
and wider draws around it; and Hamiltonian Monte Carlo in the space in which the bent posterior is nearly Gaussian. Each
is named in the verdict with what it cost and what it brought.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from taut.algorithms.on_density.base import Solution
from taut.algorithms.on_density.gaussians import Gaussian
from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.cost import CHAINS
from taut.models import Model
from taut.models.density import Density
from taut.verdict.answers import Converged
from taut.verdict.best import BestSoFar
from taut.verdict.convergence import Convergence, certified, nats_left
from taut.verdict.draws import JUDGE_STREAM, Columns
from taut.verdict.hamiltonian import FEW_CHAINS, GRADIENTS_EACH, MANY_CHAINS
from taut.verdict.judge import judge_posterior
from taut.verdict.linear.seen import serves
from taut.verdict.orders import orders
from taut.verdict.trust import RIVAL_SHARE

if TYPE_CHECKING:
    from taut.verdict.warp import Warped

MOST_COORDINATES = 200
"""Largest number of coordinates for which richer families are tried: their maps have some 8 D parameters."""
MOST_WORK, FIXED_WORK = 4e10, 20
"""Largest product of rows, unknowns and gradients of a fallback, about 20 s on one core; and the number of unknowns
whose products cost as much as the rest of a row's likelihood, which is added to theirs."""
MUCH = 0.2
"""Nats that steps must surely promise for a bend not to have converged: weights and chains correct what is less."""
WORTHWHILE = 0.05
"""Nats that one order of the coordinates must have brought before another is tried."""
FAR, TOLD, NEAR, NEARLY = 0.1, 0.2, 0.25, 0.75
"""Effective share of wider draws below which more steps of a bend bring nothing, since the family is too poor; from
which they tell more than q's own weights; from which another order of the coordinates brings nothing; and from which
more steps of a bend bring nothing, since what is left are tails."""
DOUBTED_K = 0.55
"""k-hat from which a good verdict whose weights differ is checked by the next fallback: centred hierarchies have passed
at 0.15 sd."""
SHARE_OF_FIT = 2.0
"""Gradients of chains for each gradient of the fit, up to which they are tried however long that takes."""


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
    if best.settled(density, seed):
        return best
    if gaussian is not None and serves(model):
        best = _bent_by_rows(model, batch, density, gaussian, best, seed, to_columns)
        if best.trusted:
            return best
    if gaussian is None or density.dim > MOST_COORDINATES:
        return _many_unknowns(model, batch, density, solution, best, seed, to_columns)
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
    best = _by_values(model, density, gaussian, solution, best, common)
    if _done(best, density, seed):
        return best
    from taut.verdict.bending import most_gradients

    if too_long := _too_long(rows, density.dim, most_gradients(density.dim)):
        return _not_tried(best, "sinh-arcsinh", too_long)
    best = _warped(model, density, gaussian, solution, best, common, rng)
    if best.judgement.verdict.converged.answer is Converged.NO or not _one_optimum(solution):
        return best
    if _done(best, density, seed):
        return best
    if too_long := _too_long(rows, density.dim, MANY_CHAINS * GRADIENTS_EACH):
        return _not_tried(best, "Hamiltonian Monte Carlo", too_long)
    return _chains(model, batch, density, best, MANY_CHAINS, seed, to_columns)


def _many_unknowns(
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
    converged = best.judgement.verdict.converged.answer is Converged.YES
    if best.trusted or not converged or not _one_optimum(solution):
        return best
    gradients = FEW_CHAINS * GRADIENTS_EACH
    too_long = _too_long(int(batch.size), density.dim, gradients)
    if too_long and gradients > SHARE_OF_FIT * solution.evaluations:
        return _not_tried(best, "Hamiltonian Monte Carlo", too_long)
    return _chains(model, batch, density, best, FEW_CHAINS, seed, to_columns)


def _done(best: BestSoFar, density: Density, seed: int) -> bool:
    """Whether the answer is settled, or its weights, which differ, have no tail and wider draws cannot be asked."""
    calm = best.judgement.verdict.trust.k_hat < DOUBTED_K and best.share < TOLD
    return best.settled(density, seed) or (best.trusted and calm)


def _by_values(
    model: Model, density: Density, gaussian: Gaussian, solution: Solution, best: BestSoFar, common: Any
) -> BestSoFar:
    """What values of log p can do without gradients: quadrature over one unknown, weighted draws over several."""
    from taut.verdict.quadrature import by_quadrature  # with SciPy, which an answer that is settled does not load
    from taut.verdict.reweighed import reweighed

    if not _one_optimum(solution):
        return best
    if density.dim == 1 and not best.judgement.jumps and (family := by_quadrature(density, gaussian)) is not None:
        certificate = certified(True, 0.0, {})
        judgement = judge_posterior(model, family, density, certificate, **common)
        best = best.better_of(family, judgement, "quadrature", 0)
        if best.trusted:
            return best
    return reweighed(model, density, best, common["seed"], common["to_columns"])


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
    """The bent Gaussian, by one order of the coordinates after the other: only trying tells which depends on which.

    A bend that helps and does not settle it is learned on before another order is tried.
    """
    from taut.verdict.reweighed import reweighed
    from taut.verdict.warp import warp

    def tried(best: BestSoFar, order, begun=None) -> "tuple[BestSoFar, Warped]":
        before = density.evaluations
        bent = warp(density, gaussian, order, rng, begun)
        if not bent.kept:
            note = f"sinh-arcsinh: the ELBO did not rise ({density.evaluations - before:,} gradients)"
            return best.tried(note), bent
        certificate, rivals = _certificate(bent), solution.share_of_rivals
        judgement = judge_posterior(model, bent.family, density, certificate, rivals=rivals, **common)
        best = best.better_of(bent.family, judgement, "sinh-arcsinh", density.evaluations - before)
        if best.family is bent.family and not best.settled(density, common["seed"]) and _one_optimum(solution):
            best = reweighed(model, density, best, common["seed"], common["to_columns"])
        return best, bent

    for order in orders(density, gaussian, model, rng):
        elbo = best.judgement.bound.elbo
        best, bent = tried(best, order)
        unfinished = bent.learned.promised > WORTHWHILE if not bent.kept else best.family is bent.family
        if unfinished and (FAR <= best.share < NEARLY or not bent.kept) and not _done(best, density, common["seed"]):
            best, _ = tried(best, order, bent.family.bend)
        if best.trusted or best.share >= NEAR or best.judgement.bound.elbo - elbo < WORTHWHILE:
            break
    return best


def _certificate(bent: "Warped") -> Convergence:
    """What steps still promise: of the bend's own parameters, and of the Gaussian in bent coordinates."""
    errors = bent.averaged.mean_error, bent.averaged.sd_error
    around = float(0.5 * np.sum(errors[0] ** 2) + np.sum(errors[1] ** 2))
    left, error = max(bent.learned.left, 0.0), bent.learned.left_error
    figures = {"mean_error": float(errors[0].max()), "left_of_bend": left, "standard_error": error}
    if not np.isfinite(left):
        return Convergence(Converged.NO, "the steps of its bend ran away", None, figures)
    if not np.isfinite(around) or left - 2 * error > MUCH:
        return Convergence(Converged.NO, f"steps still promise {left:.2g} nats", None, figures)
    if left + 2 * error > 2 * WORTHWHILE:
        return Convergence(Converged.UNKNOWN, f"{nats_left(left)}, known to {error:.1g} only", left, figures)
    return certified(True, left + around, figures)


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
