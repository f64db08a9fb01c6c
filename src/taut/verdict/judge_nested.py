"""The verdict on a nested answer: draws of scales and effects, weighed against the model.

Hundreds of small groups, each a little off, spread the joint weights of all effects and move nothing that a person
reads. Where the joint weights say too little, the effects of the largest factor are integrated out by quadrature:
the *marginal* weights judge the scales, the coefficients and the other effects, and the same quadrature holds each
effect that was integrated against its exact mean and sd.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from taut.algorithms.nested.of_model import z_of
from taut.algorithms.nested.solution import Draws, Solution
from taut.algorithms.nested.weights import evidence, log_joint
from taut.core.cost import Ledger
from taut.diagnostics.elbo import Bound
from taut.models.mixed import MixedModel
from taut.verdict.answers import Converged, Trusted
from taut.verdict.convergence import Convergence
from taut.verdict.judge import Judgement
from taut.verdict.trust import Trust, trust_from_weights
from taut.verdict.verdict import Verdict
from taut.verdict.weighing import Weighing

AFFORDABLE = 3e6
"""Draws times rows in a verdict; tall data get fewer draws."""
LEAST_DRAWS = 400
"""Smallest number of draws."""
INTEGRATED = 500
"""Draws at which effects are integrated: their weights are nearly equal."""
MOST_JUDGED = 500
"""Unknowns that are judged by name: all coefficients and scales, and the first of the effects."""
EFFECT_SHIFT, EFFECT_RATIO = 0.15, 0.15
"""Largest error of an effect's mean, in sds, and of its sd, as a share, that leaves an answer good."""


def judge_nested(
    model: MixedModel, solution: Solution, draws: Draws, convergence: Convergence, bound: Bound, ledger: Ledger
) -> Judgement:
    """Weigh draws of the answer against the full data.

    Args:
        model: The model.
        solution: The answer.
        draws: Its draws, of which the first are weighed.
        convergence: What the algorithm certifies.
        bound: The ELBO with its terms.
        ledger: Where the log densities are counted.
    """
    n = int(np.clip(AFFORDABLE / solution.layout.rows, LEAST_DRAWS, len(draws.node)))
    draws = draws.first(n)
    z = z_of(solution, draws)
    log_p, log_q = log_joint(solution, draws), solution.log_prob(draws)
    ledger.add(log_densities=n)
    names, values = model.to_columns(z)
    names, values = names[:MOST_JUDGED], values[:, :MOST_JUDGED]
    trust, weighing = trust_from_weights(log_p - log_q, values, names, converged=convergence.answer)
    # Weights that are far from equal may call for a correction that is their own noise.
    doubted = trust.answer is not Trusted.GOOD and convergence.answer is Converged.YES
    if doubted and solution.layout.last is not None:
        few = draws.first(INTEGRATED)
        integrated = _integrated(model, solution, few, z[:INTEGRATED], (log_p - log_q)[:INTEGRATED])
        if integrated is not None:
            trust, weighing, log_p = integrated
            z, log_q = z[:INTEGRATED], np.zeros(len(log_p))  # the weights are known, and not their two terms
    corrected = trust.answer is Trusted.CORRECTED
    weights = weighing.smoothed.weights if corrected else np.full(len(z), 1 / len(z))
    return Judgement(Verdict(convergence, trust), bound, z, weights, log_p, log_q)


def _integrated(
    model: MixedModel, solution: Solution, draws: Draws, z: Float[np.ndarray, "n D"], joint: Float[np.ndarray, " n"]
) -> tuple[Trust, Weighing, np.ndarray] | None:
    """The answer with the largest factor's effects integrated; None where that is not possible."""
    found = evidence(solution, draws, joint=joint)
    if found.marginal is None or found.factor is None or found.shift is None or found.ratio is None:
        return None
    group = model.prior.groups[found.factor]
    names, values = model.to_columns(z)
    own = {f"{group.name}[{level}]:{term}" for term in group.terms for level in group.levels}
    kept = [i for i, name in enumerate(names) if name not in own][:MOST_JUDGED]
    trust, weighing = trust_from_weights(found.marginal, values[:, kept], tuple(names[i] for i in kept))
    reason = f"with the effects of '{group.name}' integrated, {trust.reason}"
    answer = trust.answer
    shift, ratio = np.abs(found.shift), np.abs(found.ratio - 1)
    worst = np.unravel_index(np.argmax(np.maximum(shift / EFFECT_SHIFT, ratio / EFFECT_RATIO)), shift.shape)
    off = f"by {shift[worst]:.2f} sd and its sd by {ratio[worst]:.0%}"
    which = f"{group.name}[{group.levels[worst[1]]}]:{group.terms[worst[0]]}"
    if trust.reliable and (shift[worst] > EFFECT_SHIFT or ratio[worst] > EFFECT_RATIO):
        answer = Trusted.SUSPECT
        reason += f"; but effects of '{group.name}' are not Gaussian: that of {which} is off {off}"
    elif trust.reliable:
        reason += f"; its own effects are off by at most {shift.max():.2f} sd, their sds by {ratio.max():.0%}"
    return dataclasses.replace(trust, answer=answer, reason=reason), weighing, found.marginal
