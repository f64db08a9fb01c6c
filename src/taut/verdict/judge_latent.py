"""The verdict where each example has its own z: whether training has arrived, and whether its figures can be quoted.

The shift of a mean means nothing here, since the answer is two networks. What a user quotes are the ELBO, log p(x) and
the codes. So the weights of a few held-out examples say how far the ELBO lies below log p(x), and whether log p(x)
itself still rises with more draws; the constraints say whether they are met, and the units whether codes say anything.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.core.batch import Batch
from taut.core.compilation import Compiled
from taut.core.trees import cast
from taut.diagnostics.activity import activity
from taut.diagnostics.collapse import Cause, Collapse, Degree, diagnose
from taut.diagnostics.constraint_checks import TRAINING, ConstraintCheck
from taut.diagnostics.log_marginal import LogMarginal, log_mean_weight, log_weight
from taut.diagnostics.saddle import Ending, Saddle, saddles
from taut.learning.ended import Ended
from taut.problem import Problem
from taut.verdict.answers import Converged, Trusted
from taut.verdict.training import training_convergence
from taut.verdict.trust import Trust
from taut.verdict.verdict import Verdict

EXAMPLES, DRAWS = 200, 50
"""Largest number of held-out examples, and number of draws for each: they give log p(x) to a tenth of a nat."""
GAP, GAP_NATS = 0.01, 0.1
"""Distance between log p(x) and the ELBO up to which either may be quoted: as a share of log p(x), and in nats."""
LEAST_NATS = 0.005
"""Distance below which it is not shown as a number."""
FAR = 10.0
"""Factor on that distance: log p(x) says nothing where twice the draws raise it by more."""


def examples_to_judge(examples: Any, transform: Any, seed: int) -> Batch:
    """At most 200 examples as the model sees them, drawn at random, as a batch.

    Args:
        examples: Held-out examples where there are any, else those trained on, `[n, ...]`.
        transform: The function `(key, rows) -> rows` on each batch in training, or None.
        seed: Seed of the choice and of the transform.
    """
    n = min(len(examples), EXAMPLES)
    chosen = np.sort(np.random.default_rng(seed).choice(len(examples), n, replace=False))
    rows = np.asarray(examples)[chosen]
    if transform is not None:
        rows = np.asarray(transform(jax.random.key(seed), jax.device_put(rows)))
    return Batch(rows, np.ones(n), np.asarray(float(n)), np.asarray(float(n)))


def judge_latent(
    problem: Problem,
    examples: np.ndarray,
    history: dict[str, np.ndarray],
    looks: Float[np.ndarray, " looks"],
    ended: Ended,
    step: int,
    *,
    seed: int,
    dtype: np.dtype,
    checks: Sequence[ConstraintCheck] = (),
) -> Verdict:
    """The verdict on a fit of a latent-variable model.

    Args:
        problem: The problem as learned.
        examples: Examples from `examples_to_judge`.
        history: History of training.
        looks: Validation ELBO at each look, in nats per example; empty where there was none.
        ended: How training ended.
        step: Number of steps made.
        seed: Seed of the draws.
        dtype: The dtype of the fit.
        checks: Each constraint on each split.
    """
    constraints: list[Saddle] = []
    if problem.objective.constraints and len(history.get("violation", ())) >= 10:
        constraints = saddles(problem.objective, history)
    convergence = training_convergence(history, looks, ended, constraints, step)
    trust = figures_trust(
        problem, examples, constraints, step, seed, dtype, checks=checks, converged=convergence.answer
    )
    return Verdict(convergence, trust)


def figures_trust(
    problem: Problem,
    examples: np.ndarray,
    constraints: list[Saddle],
    step: int,
    seed: int,
    dtype: np.dtype,
    *,
    checks: Sequence[ConstraintCheck] = (),
    converged: Converged = Converged.UNKNOWN,
) -> Trust:
    """Whether ELBO, log p(x), constraints and codes may be quoted.

    "good": log p(x) and the ELBO agree; "corrected": they do not, and the importance-weighted log p(x) can be relied
    on, since half the draws give the same; "suspect": they do not, or a constraint is missed in training or on held-out
    examples, or the codes say nothing, or training has not converged; "unusable": log-weights that are not finite, or
    half the draws give something else altogether.

    Args:
        problem: The problem as learned.
        examples: Examples from `examples_to_judge`.
        constraints: How each constraint ended.
        step: Number of steps made.
        seed: Seed of the draws.
        dtype: The dtype of the fit.
        checks: Each constraint on each split.
        converged: Whether training has converged.
    """
    with precision.context(dtype):
        weighed = _weigh(cast(problem, dtype), np.asarray(seed), examples.astype(dtype), plain=True)
    log_weights, likelihoods, codes = (np.asarray(x, float) for x in weighed)  # log-weights `[n, K]`
    if not np.isfinite(log_weights).all():
        reason = "log p(x, z) - log q(z|x) is not finite at draws of held-out examples"
        return Trust.unweighed(Trusted.UNUSABLE, reason, DRAWS)
    likelihood = float(likelihoods.mean())
    collapse = diagnose(
        problem,
        examples,
        active=activity(codes).active,
        kl=likelihood - float(log_weights.mean()),
        expected_log_likelihood=likelihood,
        step=step,
    )
    return _trust(*_answer(log_weights, constraints, checks, collapse, converged), log_weights)


@Compiled
def _weigh(problem: Problem, seed: Any, examples: Any) -> Any:
    """Log-weights and log-likelihoods `[n, K]`, and mean codes `[n, D]`; one draw of all examples at a time."""

    def one(key, x):
        return log_weight(problem, key, problem.family.at(x[None]), x)

    def draw(key):
        return jax.vmap(one)(jax.random.split(key, examples.shape[0]), examples)

    weights, likelihoods = jax.lax.map(draw, jax.random.split(jax.random.key(seed), DRAWS))
    codes = jax.vmap(lambda x: problem.family.at(x[None]).mean)(examples)  # pyright: ignore[reportAttributeAccessIssue]
    return weights.T, likelihoods.T, codes


def _answer(
    log_weights: Float[np.ndarray, "n K"],
    constraints: list[Saddle],
    checks: Sequence[ConstraintCheck],
    collapse: Collapse,
    converged: Converged,
) -> tuple[Trusted, str]:
    """The first rule that applies, as the answer and its reason."""
    value = float(log_mean_weight(log_weights).log.mean())
    gap, rise = value - float(log_weights.mean()), value - _by_half(log_weights)
    allowed = max(GAP_NATS, GAP * abs(value))
    raised = f"twice the draws raise log p(x) by {rise:.2g} nats per example"
    if rise > FAR * allowed:
        return Trusted.UNUSABLE, f"{raised}: the encoder misses it all"
    missed = [one for one in constraints if one.state is Ending.MISSED]
    if missed:
        return Trusted.SUSPECT, f"the constraint {missed[0].constraint} is missed by {missed[0].violation:.3g} nats"
    beyond = [check for check in checks if check.split != TRAINING and not check.tolerated]
    if beyond:  # the last split is the one that nothing was chosen by
        return Trusted.SUSPECT, f"the constraint {beyond[-1].constraint} does not hold {beyond[-1].place}"
    if collapse.cause is Cause.ANNEALING:
        return Trusted.SUSPECT, "the schedule of the KL's weight is not at its end"
    if collapse.verdict is Degree.COLLAPSED:
        reason = f"no latent unit moves with the example, so codes say nothing (likely cause: {collapse.cause})"
        return Trusted.SUSPECT, reason
    if rise > allowed:
        return Trusted.SUSPECT, f"{raised}: the encoder misses part of the posteriors"
    if converged is Converged.NO:
        return Trusted.SUSPECT, "training has not converged, so its figures are those of a model on its way"
    if gap > allowed:
        return Trusted.CORRECTED, (
            f"the ELBO lies {gap:.2g} nats per example below log p(x) by importance weighting of {len(log_weights)} "
            "examples; quote log p(x), as evaluate gives it, not the ELBO"
        )
    reason = f"the ELBO and log p(x) by importance weighting agree to {_nats(gap)} per example"
    return Trusted.GOOD, reason


def _nats(gap: float) -> str:
    return f"{gap:.2g} nats" if gap >= LEAST_NATS else f"less than {LEAST_NATS:g} nats"


def _by_half(log_weights: Float[np.ndarray, "n K"]) -> float:
    """log p(x) from half the draws, averaged over both halves: never above that from all, and near it where all do."""
    halves = np.split(log_weights, 2, axis=1)
    return float(np.mean([log_mean_weight(half).log.mean() for half in halves]))


def _trust(answer: Trusted, reason: str, log_weights: Float[np.ndarray, "n K"]) -> Trust:
    none = np.zeros(0)
    marginal = LogMarginal.average(log_mean_weight(log_weights), DRAWS)
    half = 0.5 * float(np.mean(np.var(log_weights, axis=1, ddof=1)))  # about KL(q(z|x)||p(z|x)) where q is close
    return Trust(
        answer,
        reason,
        np.nan,
        marginal.effective_sample_size,
        half,
        DRAWS,
        float(log_weights.mean()),
        marginal.value,
        marginal.standard_error,
        (),
        none,
        none,
        none,
    )
