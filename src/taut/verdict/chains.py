"""What is said of chains that started from draws of q, by what they moved."""

import numpy as np

from taut.verdict.answers import Trusted
from taut.verdict.changes import in_percent, in_sds
from taut.verdict.trust import quantile_advice

FARTHEST = 0.25
"""Change by chains, of a mean in sds or of an sd as a share, above which their own answer is in doubt."""


def unsettled(names: tuple[str, ...], shift: np.ndarray, ratio: np.ndarray, r_hat: float) -> str:
    """Why draws of chains that do not agree are the answer, and in which unknown they differ most from q."""
    worst = int(np.argmax(np.maximum(np.abs(shift), np.abs(ratio - 1))))
    return (
        f"chains from draws of q have not settled (R-hat {r_hat:.2f}); fit.sample() and fit.summary() use their draws, "
        f"which moved {names[worst]} by {in_sds(abs(float(shift[worst])))} and its sd by "
        f"{in_percent(abs(float(ratio[worst]) - 1))}"
    )


def answer_of_chains(
    names: tuple[str, ...], shift: np.ndarray, ratio: np.ndarray, heavy: np.ndarray, tails: np.ndarray
) -> tuple[Trusted, str]:
    """The answer of chains that agree, and its reason.

    Args:
        names: Names of the unknowns, `[M]`.
        shift: `[M]`, change of each mean by the chains, in sds of q.
        ratio: `[M]`, sd of the chains over the sd of q.
        heavy: `[M]`, whether the unknown has a heavy tail.
        tails: `[2, M]`, share of the chains below and above the 95 % interval of q.
    """
    largest, widest = np.abs(shift).max(), np.abs(ratio - 1).max()
    if heavy.any():  # short chains have not been in tails like these
        which = ", ".join(np.array(names)[heavy][:3])
        advice = quantile_advice(names, tails, heavy)
        return Trusted.SUSPECT, f"heavy tails: no number of draws settles the sd of {which}; {advice}"
    moved = f"by {in_sds(largest)} and"
    if max(largest, widest) > FARTHEST:  # what chains have moved is a lower bound of what they have yet to move
        which = names[int(np.argmax(np.maximum(np.abs(shift), np.abs(ratio - 1))))]
        return Trusted.SUSPECT, (
            f"short chains from draws of q moved {which} {moved} its sd by {in_percent(widest)}, and longer ones may "
            "move it on"
        )
    return Trusted.CORRECTED, (
        f"chains that started from draws of q moved means {moved} sds by {in_percent(widest)}; "
        "fit.sample() and fit.summary() use their draws"
    )
