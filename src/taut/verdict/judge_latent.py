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
from taut.diagnostics.trend import line
from taut.learning.ended import Ended
from taut.problem import Problem
from taut.verdict.answers import Converged, Trusted
from taut.verdict.convergence import Convergence, by_history
from taut.verdict.trust import Trust
from taut.verdict.verdict import Verdict

EXAMPLES, DRAWS = 200, 50
"""Largest number of held-out examples, and number of draws for each: they give log p(x) to a tenth of a nat."""
FLAT = 1e-3
"""Share of the ELBO that the last half of the looks may bring where training has arrived."""
RISEN = 1e-2
"""Share of the ELBO by which it must have risen in all: that of a frozen optimizer is flat, too."""
LEAST_LOOKS = 6
"""Smallest number of looks that are read."""
SURE = 0.995
"""Level of the t-test for a rise: one false alarm in 200 for a validation ELBO that is flat."""
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
    convergence = training_convergence(history, looks, ended, constraints)
    trust = figures_trust(
        problem, examples, constraints, step, seed, dtype, checks=checks, converged=convergence.answer
    )
    return Verdict(convergence, trust)


def training_convergence(
    history: dict[str, np.ndarray], looks: Float[np.ndarray, " looks"], ended: Ended, constraints: list[Saddle]
) -> Convergence:
    """Whether more training would help: "yes" only where held-out examples say so, never because a curve is flat.

    Args:
        history: History of training.
        looks: Validation ELBO at each look, in nats per example; empty where there was none.
        ended: How training ended.
        constraints: How each constraint ended.
    """
    if ended is Ended.INTERRUPTED:
        return Convergence(Converged.NO, "training was interrupted", None)
    if constraints:
        return _by_constraints(constraints)
    if len(looks) < LEAST_LOOKS or not np.isfinite(looks).all():
        return by_history(history)
    return _by_looks(history, looks, ended)


def _by_constraints(constraints: list[Saddle]) -> Convergence:
    unsettled = [one for one in constraints if one.state in (Ending.MOVING, Ending.MISSED)]
    if not unsettled:
        reason = "the constraints have settled, and the aim may still be falling"
        return Convergence(Converged.UNKNOWN, reason, None)
    first = unsettled[0]
    what = "has not been met" if first.state is Ending.MISSED else "still moves its multiplier"
    figures = {"variation": first.variation, "violation": first.violation}
    return Convergence(Converged.NO, f"the constraint {first.constraint} {what}", None, figures)


def _by_looks(history: dict[str, np.ndarray], looks: Float[np.ndarray, " looks"], ended: Ended) -> Convergence:
    """By a straight line through the last half of the looks: they share their noise, so its error is their scatter."""
    size = max(1.0, abs(float(looks[-1])))
    last = looks[len(looks) // 2 :]
    trend, span = line(last), len(last) - 1
    gain, error = span * trend.slope, span * trend.standard_error
    figures = {"gain_of_last_half": gain, "standard_error": error, "looks": float(len(looks))}
    if trend.rises(SURE) and gain > FLAT * size and ended is not Ended.STOPPED:
        reason = f"the validation ELBO rose by {gain:.3g} nats per example in the last half of training"
        return Convergence(Converged.NO, reason, gain, figures)
    if _risen(history, looks) < RISEN * size:
        reason = "the ELBO has hardly risen at all, as with a frozen optimizer"
        return Convergence(Converged.UNKNOWN, reason, None, figures)
    if ended is Ended.STOPPED:
        since = len(looks) - 1 - int(np.argmax(looks))
        reason = f"the validation ELBO has not risen in the last {since} looks"
        return Convergence(Converged.YES, reason, None, figures)
    if gain + 2 * error < 2 * FLAT * size:
        reason = f"the last half of training changed the validation ELBO by {gain:+.2g} nats per example"
        return Convergence(Converged.YES, reason, max(gain, 0.0), figures)
    of_training = by_history(history)
    if of_training.answer is Converged.NO:
        return of_training
    reason = f"the validation ELBO changed by {gain:+.2g} +- {error:.1g} nats per example in the last half of training"
    return Convergence(Converged.UNKNOWN, reason, None, figures)


def _risen(history: dict[str, np.ndarray], looks: np.ndarray) -> float:
    """Nats by which the ELBO has risen since the first steps, of training or on validation examples."""
    elbo = np.asarray(history.get("elbo", ()), float)
    of_training = elbo[-max(len(elbo) // 10, 1) :].mean() - elbo[:10].mean() if len(elbo) else 0.0
    return float(max(of_training, looks.max() - looks[0]))


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
        return Trusted.SUSPECT, f"the constraint {beyond[-1].constraint} does not hold: {beyond[-1].words}"
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
            f"the ELBO lies {gap:.2g} nats per example below log p(x) by importance weighting; quote log p(x), as "
            "evaluate gives it, not the ELBO"
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
