"""How a run ended, decided in one place for every algorithm.

The loop says why the steps stopped; whether there is an answer is decided here, and all else is told by the result. A
value that is not finite ends a run at once, and the loop names it. But a run that blew up may be finite: an optimizer
whose rate is far too large ends anywhere. So the answer is compared with the start of its own training. Histories do
not tell, since their first steps may hold the explosion itself, and the noise of its estimates hides any fall. Both
ends are therefore measured anew, by the same draws and rows, in what was maximised and with its final weights. This is
done only where the answer's ELBO is below the first steps' estimates, which is rare.
"""

from collections.abc import Callable

import numpy as np

from taut.diagnostics.elbo import Bound
from taut.learning.ended import Ended
from taut.learning.loop import Learned
from taut.verdict.answers import Converged
from taut.verdict.convergence import Convergence

BEGINNING = 10
"""Number of first steps, of which none lies above the answer of a run that is in doubt."""
NOISE = 3.0
"""Standard deviations of one estimate at the start that an answer may lie below it."""

Measured = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Gives what was maximised at the start and at the answer, by several draws each: `[n]` and `[n]`, paired."""


def ending_of_steps(
    learned: Learned, bound: Bound, room: Callable[[float], float], both: Measured
) -> tuple[Ended, str]:
    """How a run of steps ended, with the particulars.

    Args:
        learned: What the loop says.
        bound: The ELBO of the answer.
        room: Nats that an answer may lie below the start without having diverged, noise apart, from the start's value.
        both: Measures the start and the answer.
    """
    if learned.ended in (Ended.DIVERGED, Ended.INTERRUPTED):
        return learned.ended, learned.reason
    if not np.isfinite(bound.elbo):
        return Ended.DIVERGED, "The ELBO of the answer is not finite: lower the learning rate, or see model.check()."
    first = np.asarray(learned.history.get("elbo", ()), float)[:BEGINNING]
    first = first[np.isfinite(first)]
    if not first.size or bound.elbo >= first.max():
        return learned.ended, learned.reason
    start, end = both()
    if not np.isfinite(start).all():
        return learned.ended, learned.reason
    lost = start.mean() - end.mean()
    if lost <= NOISE * start.std() + room(float(start.mean())):
        return learned.ended, learned.reason
    fell = f"about {start.mean():,.6g}" + (f" to {end.mean():,.6g}" if np.isfinite(lost) else "")
    return Ended.DIVERGED, (
        f"The objective fell from {fell} nats, below where training began. The learning rate is too large for this "
        "gradient and its noise: lower it, or raise samples."
    )


def ending_on_density(met: bool, answered: Convergence) -> Ended:
    """How an algorithm on the log density ended, so that it says nothing against the verdict on the same answer.

    Args:
        met: Whether the steps that led to the answer, which may be of a richer family, ended by their own rule.
        answered: What the verdict says of the answer's convergence.
    """
    if answered.answer is not Converged.YES:
        return Ended.STALLED
    # Where the rule was not met, a check on fresh draws has found the last steps to be at the answer all the same.
    return Ended.CONVERGED if met else Ended.BUDGET_SPENT
