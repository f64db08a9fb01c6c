"""The verdict on a nested answer: draws of scales and effects together, weighed against the model."""

import numpy as np

from taut.algorithms.nested.of_model import z_of
from taut.algorithms.nested.parts import Parts
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.solution import Draws, Solution
from taut.diagnostics.elbo import Bound
from taut.models.mixed import MixedModel
from taut.verdict.answers import Trusted
from taut.verdict.convergence import Convergence
from taut.verdict.draws import JUDGE_STREAM
from taut.verdict.judge import Judgement
from taut.verdict.trust import DRAWS, trust_from_weights
from taut.verdict.verdict import Verdict

LARGEST = 2e7
"""Numbers in the largest array."""
AFFORDABLE = 2e7
"""Draws times rows in a verdict; tall data get fewer draws."""
LEAST_DRAWS = 400
"""Smallest number of draws."""
MOST_JUDGED = 500
"""Unknowns that are judged by name: all coefficients and scales, and the first of the effects."""


def judge_nested(
    model: MixedModel, solution: Solution, likelihood: Likelihood, convergence: Convergence, bound: Bound, seed: int
) -> Judgement:
    """Weigh draws of the answer against the full data.

    Args:
        model: The model.
        solution: The answer.
        likelihood: Of the rows, in the order of the layout.
        convergence: What the algorithm certifies.
        bound: The ELBO with its terms.
        seed: Of the draws.
    """
    n = int(np.clip(AFFORDABLE / solution.layout.rows, LEAST_DRAWS, DRAWS))
    draws = solution.sample(n, np.random.default_rng([seed, JUDGE_STREAM]))
    log_p = log_likelihood(solution, likelihood, draws) + solution.log_prior(draws)
    log_q = solution.log_prob(draws)
    z = z_of(solution, draws)
    names, values = model.to_columns(z)
    names, values = names[:MOST_JUDGED], values[:, :MOST_JUDGED]
    trust, weighing = trust_from_weights(log_p - log_q, values, names, converged=convergence.answer)
    corrected = trust.answer is Trusted.CORRECTED
    weights = weighing.smoothed.weights if corrected else np.full(n, 1 / n)
    return Judgement(Verdict(convergence, trust), bound, z, weights, log_p, log_q)


def log_likelihood(solution: Solution, likelihood: Likelihood, draws: Draws) -> np.ndarray:
    """log p(y given w, t) at draws, `[N]`, in nats."""
    layout, parts = solution.layout, Parts.of(solution.layout)
    size, total = max(1, int(LARGEST // layout.rows)), []
    for at in range(0, len(draws.w), size):
        w, t = draws.w[at : at + size], draws.t[at : at + size]
        groups = np.zeros((len(w), len(layout.columns), layout.eliminated.levels))
        if layout.last is not None:
            groups = w[:, layout.width :].reshape(groups.shape)
        eta = layout.offset + parts.means(w[:, : layout.width], groups)
        total.append(likelihood.expect(eta, np.zeros_like(eta), solution.scales.phi(t))[0].sum(1))
    return np.concatenate(total)
