"""How the saddle of a constrained objective ended, read from the history of training alone."""

import enum
from dataclasses import dataclass

import numpy as np

from taut.errors import ArgumentError
from taut.objectives import Constrained
from taut.objectives.constraints import Constraint

MET = 0.03
"""Relative violation up to which a constraint counts as met."""
STEADY = 0.1
"""Relative range of a settled multiplier over the last tenth of training."""
FELT = 0.02
"""Multiplier, of its start, below which a constraint with slack is not felt."""


class Ending(enum.StrEnum):
    """How a constraint ended."""

    SETTLED = "settled"
    SLACK = "slack"
    MISSED = "missed"
    MOVING = "moving"


@dataclass(frozen=True)
class Saddle:
    """How one constraint ended; means are over the last tenth of training.

    Attributes:
        constraint: The constraint as written, e.g. `expected_log_likelihood>=-80`.
        violation: Distance of the statistic on the wrong side, in its units (nats per example); negative is slack.
        slack: Distance on the right side, at least 0.
        multiplier: lambda, per unit.
        equivalent_beta: Weight of a beta-VAE with the same stationary points: 1 / lambda for a bound on the
            expected log-likelihood, lambda for a bound on the KL, None for other statistics and where lambda is 0.
        reached: First step at which the smoothed statistic met its bound, None if it never did.
        overshoot: Largest distance beyond the bound afterwards, over |bound|.
        variation: (largest - smallest) / mean of lambda in the last tenth.
        crossings: Number of sign changes of the smoothed violation.
        state: Whether it settled, has slack, was missed or is still moving.
        words: How the multiplier ended, as a sentence.
    """

    constraint: str
    violation: float
    slack: float
    multiplier: float
    equivalent_beta: float | None
    reached: int | None
    overshoot: float
    variation: float
    crossings: int
    state: Ending
    words: str


def saddles(objective: Constrained, history: dict[str, np.ndarray]) -> list[Saddle]:
    """The end of each constraint, in the objective's order.

    Args:
        objective: The objective that was trained.
        history: History of training with `violation` and `multiplier`, `[steps, constraints]` each.

    Raises:
        ArgumentError: a history without them, or shorter than ten steps.

    Example:
        >>> from taut.objectives import at_least
        >>> objective = Constrained("kl", subject_to=at_least("expected_log_likelihood", -80.0))
        >>> path = {"violation": np.zeros((100, 1)), "multiplier": np.full((100, 1), 2.0)}
        >>> saddles(objective, path)[0].equivalent_beta
        0.5
    """
    if "violation" not in history or "multiplier" not in history or len(history["violation"]) < 10:
        raise ArgumentError("saddles needs the history of a constrained training of at least ten steps.")
    violations, multipliers = (np.asarray(history[name], float).T for name in ("violation", "multiplier"))
    columns = zip(objective.constraints, violations, multipliers, strict=True)
    return [_saddle(constraint, v, m, objective.rule.start) for constraint, v, m in columns]


def _saddle(constraint: Constraint, violation: np.ndarray, multiplier: np.ndarray, start: float) -> Saddle:
    tenth = max(len(violation) // 10, 1)
    ended, path = float(violation[-tenth:].mean()), multiplier[-tenth:]
    value = float(path.mean())
    variation = float(np.ptp(path) / value) if value > 0 else 0.0
    window = max(len(violation) // 50, 1)  # a batch's noise is no overshoot
    smooth = np.convolve(violation, np.full(window, 1 / window), "valid")
    met = np.flatnonzero(smooth <= 0)
    overshoot = float(max(-smooth[met[0] :].min(), 0.0) / constraint.scale) if met.size else 0.0
    state = _state(ended / constraint.scale, value / (start or 1.0), variation)
    return Saddle(
        constraint=str(constraint),
        violation=ended,
        slack=max(-ended, 0.0),
        multiplier=value,
        equivalent_beta=_beta(constraint, value),
        reached=int(met[0]) + window if met.size else None,
        overshoot=overshoot,
        variation=variation,
        crossings=int(np.sum(smooth[1:] * smooth[:-1] < 0)),
        state=state,
        words=_words(state, value, variation),
    )


def _state(relative: float, felt: float, variation: float) -> Ending:
    if relative < 0 and felt < FELT:
        return Ending.SLACK
    if relative > MET:
        return Ending.MISSED
    return Ending.SETTLED if abs(relative) <= MET and variation <= STEADY else Ending.MOVING


def _words(state: Ending, value: float, variation: float) -> str:
    """Of the multiplier alone: whether the constraint is met is for `constraint_checks` to say."""
    return {
        Ending.SETTLED: f"The multiplier has settled at {value:.3g}.",
        Ending.SLACK: "The constraint is not felt, and its multiplier went to zero.",
        Ending.MISSED: f"Training missed the constraint, with a multiplier of {value:.3g}: train longer, or ask for "
        "less.",
        Ending.MOVING: f"The multiplier of {value:.3g} has not come to rest (it moved by {variation:.0%} in the last "
        "tenth of training): train longer, or take a smaller step of the rule.",
    }[state]


def _beta(constraint: Constraint, value: float) -> float | None:
    if value <= 0:
        return None
    if constraint.statistic == "expected_log_likelihood":
        return 1 / value
    return value if constraint.statistic == "kl" else None
