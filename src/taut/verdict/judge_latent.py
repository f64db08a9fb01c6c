"""The sixth sentence where each example has its own z: has training arrived, and can its figures be believed?

The shift of a mean means nothing here, since the answer is two networks. What a user quotes are the ELBO, log p(x) and
the codes: so the weights of a few held-out examples say how far the ELBO lies below log p(x) and whether log p(x)
itself still rises with more draws; the constraints, whether they are met; the units, whether codes say anything.
"""

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
"""Held-out examples and draws for each: log p(x) to a tenth of a nat, in a second or two."""
FLAT = 1e-3
"""Part of the ELBO that the last half of the looks may bring where training has arrived."""
RISEN = 1e-2
"""Part of the ELBO by which it must have risen at all: a frozen optimizer is flat, too."""
LEAST_LOOKS = 6
SURE = 0.995
"""One false alarm in 200 for a validation ELBO that is flat."""
GAP, GAP_NATS = 0.01, 0.1
"""Distance between log p(x) and the ELBO up to which either may be quoted: a part of log p(x), or some nats."""
FAR = 10.0
"""Times that distance, by which log p(x) still rises with twice the draws where it says nothing."""


def examples_to_judge(examples: Any, transform: Any, seed: int) -> Batch:
    """At most 200 examples as the model sees them, drawn at random, as a batch.

    Args:
        examples: held-out ones where there are any, else those trained on, `[n, ...]`.
        transform: `(key, rows) -> rows` of each batch in training, or None.
        seed: of the choice and of the transform.
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
) -> Verdict:
    """Both answers.

    Args:
        problem: as learned.
        examples: from `examples_to_judge`.
        history: of training.
        looks: validation ELBO at each look, in nats per example; empty where there was none.
        ended: how training ended.
        step: at which it stands.
        seed: of the draws.
        dtype: of the fit.
    """
    constraints: list[Saddle] = []
    if problem.objective.constraints and len(history.get("violation", ())) >= 10:
        constraints = saddles(problem.objective, history)
    return Verdict(
        training_convergence(history, looks, ended, constraints),
        figures_trust(problem, examples, constraints, step, seed, dtype),
    )


def training_convergence(
    history: dict[str, np.ndarray], looks: Float[np.ndarray, " looks"], ended: Ended, constraints: list[Saddle]
) -> Convergence:
    """Whether more training would help: "yes" only where held-out examples say so, never because a curve is flat.

    The looks share their noise, so that a straight line through their last half has the error of its own scatter.

    Args:
        history: of training.
        looks: as above.
        ended: as above.
        constraints: how each ended.
    """
    if ended is Ended.INTERRUPTED:
        return Convergence(Converged.NO, "training was interrupted", None)
    restless = [one for one in constraints if one.state in (Ending.MOVING, Ending.MISSED)]
    if restless:
        what = "has not been met" if restless[0].state is Ending.MISSED else "still moves its multiplier"
        return Convergence(
            Converged.NO,
            f"the constraint {restless[0].constraint} {what}",
            None,
            {"variation": restless[0].variation, "violation": restless[0].violation},
        )
    if constraints:
        return Convergence(Converged.UNKNOWN, "the constraints have settled, and the aim may still be falling", None)
    if len(looks) < LEAST_LOOKS or not np.isfinite(looks).all():
        return by_history(history)
    size = max(1.0, abs(float(looks[-1])))
    half = looks[len(looks) // 2 :]
    fitted = line(half)
    gain, error = (len(half) - 1) * fitted.slope, (len(half) - 1) * fitted.standard_error
    figures = {"gain_of_last_half": gain, "standard_error": error, "looks": float(len(looks))}
    if fitted.rises(SURE) and gain > FLAT * size and ended is not Ended.STOPPED:
        reason = f"the validation ELBO rose by {gain:.3g} nats per example in the last half of training"
        return Convergence(Converged.NO, reason, gain, figures)
    if _risen(history, looks) < RISEN * size:
        reason = "the ELBO has hardly risen at all, as with a frozen optimizer"
        return Convergence(Converged.UNKNOWN, reason, None, figures)
    if ended is Ended.STOPPED:
        since = len(looks) - 1 - int(np.argmax(looks))
        return Convergence(Converged.YES, f"the validation ELBO has not risen in the last {since} looks", None, figures)
    if gain + 2 * error < 2 * FLAT * size:
        reason = f"the last half of training changed the validation ELBO by {gain:+.2g} nats per example"
        return Convergence(Converged.YES, reason, max(gain, 0.0), figures)
    of_training = by_history(history)
    if of_training.answer == Converged.NO:
        return of_training
    reason = f"the validation ELBO changed by {gain:+.2g} +- {error:.1g} nats per example in the last half of training"
    return Convergence(Converged.UNKNOWN, reason, None, figures)


def _risen(history: dict[str, np.ndarray], looks: np.ndarray) -> float:
    """Nats by which the ELBO has risen since the first steps, of training or on validation examples."""
    elbo = np.asarray(history.get("elbo", ()), float)
    of_training = elbo[-max(len(elbo) // 10, 1) :].mean() - elbo[:10].mean() if len(elbo) else 0.0
    return float(max(of_training, looks.max() - looks[0]))


def figures_trust(
    problem: Problem, examples: np.ndarray, constraints: list[Saddle], step: int, seed: int, dtype: np.dtype
) -> Trust:
    """Whether ELBO, log p(x), constraints and codes may be quoted.

    "good": log p(x) and the ELBO agree; "corrected": they do not, and the importance-weighted log p(x) can be relied
    on, since half the draws give the same; "suspect": they do not, or a constraint is missed, or the codes say nothing;
    "unusable": log-weights that are not finite, or half the draws give something else altogether.

    Args:
        problem: as learned.
        examples: as above.
        constraints: how each ended.
        step: at which training stands.
        seed: of the draws.
        dtype: of the fit.
    """
    with precision.context(dtype):
        seen = _weigh(cast(problem, dtype), np.asarray(seed), examples.astype(dtype), plain=True)
    log_weights, likelihoods, codes = (np.asarray(x, float) for x in seen)  # log-weights `[n, K]`
    if not np.isfinite(log_weights).all():
        return _trust(Trusted.UNUSABLE, "log p(x, z) - log q(z|x) is not finite at draws of held-out examples", None)
    likelihood = float(likelihoods.mean())
    use = diagnose(
        problem,
        examples,
        active=activity(codes).active,
        kl=likelihood - float(log_weights.mean()),
        expected_log_likelihood=likelihood,
        step=step,
    )
    return _trust(*_answer(log_weights, constraints, use), log_weights)


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


def _answer(log_weights: Float[np.ndarray, "n K"], constraints: list[Saddle], use: Collapse) -> tuple[Trusted, str]:
    """The first thing that is amiss decides."""
    value = float(log_mean_weight(log_weights).log.mean())
    gap, rise = value - float(log_weights.mean()), value - _by_half(log_weights)
    allowed = max(GAP_NATS, GAP * abs(value))
    missed = [one for one in constraints if one.state is Ending.MISSED]
    if rise > FAR * allowed:
        return Trusted.UNUSABLE, (
            f"twice the draws raise log p(x) by {rise:.2g} nats per example: the encoder misses it all"
        )
    if missed:
        return Trusted.SUSPECT, f"the constraint {missed[0].constraint} is missed by {missed[0].violation:.3g} nats"
    if use.verdict is Degree.COLLAPSED or use.cause is Cause.ANNEALING:
        what = (
            "the schedule of the KL's weight is not at its end"
            if use.cause is Cause.ANNEALING
            else (f"no latent unit moves with the example, so codes say nothing (likely cause: {use.cause})")
        )
        return Trusted.SUSPECT, what
    if rise > allowed:
        return Trusted.SUSPECT, (
            f"twice the draws raise log p(x) by {rise:.2g} nats per example: the encoder misses part of the posteriors"
        )
    if gap > allowed:
        return Trusted.CORRECTED, (
            f"the ELBO lies {gap:.2g} nats per example below log p(x) by importance weighting; quote log p(x), as "
            "evaluate gives it, not the ELBO"
        )
    return Trusted.GOOD, f"the ELBO and log p(x) by importance weighting agree to {max(gap, 0.0):.2g} nats per example"


def _by_half(log_weights: Float[np.ndarray, "n K"]) -> float:
    """log p(x) from half the draws, averaged over both halves: never above that from all, and near it where all do."""
    halves = np.split(log_weights, 2, axis=1)
    return float(np.mean([log_mean_weight(half).log.mean() for half in halves]))


def _trust(answer: Trusted, reason: str, log_weights: Float[np.ndarray, "n K"] | None) -> Trust:
    none = np.zeros(0)
    if log_weights is None:
        return Trust(answer, reason, np.nan, np.nan, np.nan, DRAWS, np.nan, np.nan, np.nan, (), none, none, none)
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
