"""Whether the training of networks has arrived, by the looks at held-out examples."""

import numpy as np
from jaxtyping import Float

from taut.diagnostics.saddle import Ending, Saddle
from taut.diagnostics.trend import SLIGHT, length_until_flat, line, no_rise, since_rise
from taut.learning.ended import Ended
from taut.learning.monitors import PATIENCE
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence, by_history

RISEN = 1e-2
"""Share of the ELBO by which it must have risen in all: that of a frozen optimizer is flat, too."""
LEAST_LOOKS = 6
"""Smallest number of looks that are read."""
SURE = 0.995
"""Level of the t-test for a rise: one false alarm in 200 for a validation ELBO that is flat."""


def training_convergence(
    history: dict[str, np.ndarray],
    looks: Float[np.ndarray, " looks"],
    ended: Ended,
    constraints: list[Saddle],
    step: int = 0,
) -> Convergence:
    """Whether more training would help: "yes" only where held-out examples say so, never because a curve is flat.

    Args:
        history: History of training.
        looks: Validation ELBO at each look, in nats per example; empty where there was none.
        ended: How training ended.
        constraints: How each constraint ended.
        step: Number of steps made.
    """
    if ended is Ended.INTERRUPTED:
        return Convergence(Converged.NO, "training was interrupted", None)
    if constraints:
        return _by_constraints(constraints)
    if len(looks) < LEAST_LOOKS or not np.isfinite(looks).all():
        return by_history(history)
    return _by_looks(history, looks, ended, step)


def _by_constraints(constraints: list[Saddle]) -> Convergence:
    unsettled = [one for one in constraints if one.state in (Ending.MOVING, Ending.MISSED)]
    if not unsettled:
        reason = "the constraints have settled, and the aim may still be falling"
        return Convergence(Converged.UNKNOWN, reason, None)
    first = unsettled[0]
    what = "has not been met" if first.state is Ending.MISSED else "still moves its multiplier"
    figures = {"variation": first.variation, "violation": first.violation}
    return Convergence(Converged.NO, f"the constraint {first.constraint} {what}", None, figures)


def _by_looks(
    history: dict[str, np.ndarray], looks: Float[np.ndarray, " looks"], ended: Ended, step: int
) -> Convergence:
    """By a straight line through the last half of the looks: they share their noise, so its error is their scatter."""
    size = max(1.0, abs(float(looks[-1])))
    last = looks[len(looks) // 2 :]
    trend, span = line(last), len(last) - 1
    gain, error = span * trend.slope, span * trend.standard_error
    figures = {"gain_of_last_half": gain, "standard_error": error, "looks": float(len(looks))}
    waited = ended is Ended.STOPPED and _waited(looks)
    if trend.rises(SURE) and gain > SLIGHT * size and not waited:
        rose = f"the validation ELBO rose by {gain:.3g} nats per example in the last half of training"
        return Convergence(Converged.NO, f"{rose}; {_more(looks, step)}", gain, figures)
    if _risen(history, looks) < RISEN * size:
        reason = "the ELBO has hardly risen at all, as with a frozen optimizer"
        return Convergence(Converged.UNKNOWN, reason, None, figures)
    if waited:
        return Convergence(Converged.YES, f"the validation ELBO {no_rise(looks)}", None, figures)
    if gain + 2 * error < 2 * SLIGHT * size:
        reason = f"the last half of training changed the validation ELBO by {gain:+.2g} nats per example"
        return Convergence(Converged.YES, reason, max(gain, 0.0), figures)
    of_training = by_history(history)
    if of_training.answer is Converged.NO:
        return of_training
    reason = f"the validation ELBO changed by {gain:+.2g} +- {error:.1g} nats per example in the last half of training"
    return Convergence(Converged.UNKNOWN, reason, None, figures)


def _waited(looks: Float[np.ndarray, " looks"]) -> bool:
    """Whether the looks since the last rise can be read: they are as many as usual, or none was better at all."""
    since = since_rise(looks)
    return since >= PATIENCE or 0 < since == len(looks) - 1 - int(np.argmax(looks))


def _more(looks: Float[np.ndarray, " looks"], step: int) -> str:
    """How long training would take to end by its own rule, in words."""
    lengths = length_until_flat(looks, PATIENCE)
    if lengths is None:
        return "no end of the rise is in sight"
    least, most = (f"{float(f'{length * step / len(looks):.2g}'):,.0f}" for length in lengths)
    return f"it would end by its own rule after about {least if least == most else f'{least} to {most}'} steps in all"


def _risen(history: dict[str, np.ndarray], looks: np.ndarray) -> float:
    """Nats by which the ELBO has risen since the first steps, of training or on validation examples."""
    elbo = np.asarray(history.get("elbo", ()), float)
    of_training = elbo[-max(len(elbo) // 10, 1) :].mean() - elbo[:10].mean() if len(elbo) else 0.0
    return float(max(of_training, looks.max() - looks[0]))
