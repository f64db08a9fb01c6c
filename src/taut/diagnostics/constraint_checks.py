"""Whether constraints are met: in training, and on the examples that training did not see."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from taut.objectives import Objective
from taut.objectives.constraints import Constraint

TOLERATED = 0.01
"""Relative violation that training leaves: the multiplier holds the statistic at its bound, on either side by noise."""
SHOWN = 5e-4
"""Violation that is shown as zero."""
TRAINING = "training"
PLACES = {TRAINING: "in training", "validation": "on the validation examples", "test": "on the test split"}


@dataclass(frozen=True)
class ConstraintCheck:
    """A constraint on one split of the data.

    Attributes:
        constraint: The constraint as written, e.g. `kl<=12`.
        split: "training" (the last tenth of it), "validation" or "test".
        value: The statistic, in its units (nats per example).
        violation: Its distance on the wrong side of the bound; negative is slack.
        relative: The violation over the size of the bound.
    """

    constraint: str
    split: str
    value: float
    violation: float
    relative: float

    @property
    def tolerated(self) -> bool:
        """Whether the violation, if there is any, is no more than what training leaves."""
        return self.violation < SHOWN or self.relative <= TOLERATED

    @property
    def met(self) -> bool:
        """Whether the constraint is met; on held-out examples any violation is a miss."""
        return self.violation < SHOWN or (self.split == TRAINING and self.tolerated)

    @property
    def place(self) -> str:
        """The split, in words."""
        return PLACES[self.split]

    @property
    def words(self) -> str:
        """Value and answer, e.g. `-18.370 on the test split (missed by 0.370)`."""
        answer = f"missed by {self.violation:.3f}"
        if self.met:
            answer = "met" if self.violation < SHOWN else f"met to within {self.relative:.1%}"
        return f"{self.value:.3f} {self.place} ({answer})"

    def to_json(self) -> dict[str, Any]:
        """The check as plain JSON."""
        return {
            "constraint": self.constraint,
            "split": self.split,
            "value": self.value,
            "violation": self.violation,
            "met": self.met,
        }


def constraint_checks(
    objective: Objective, history: dict[str, np.ndarray], held_out: dict[str, dict[str, float]]
) -> list[ConstraintCheck]:
    """Each constraint on each split, those of one constraint together.

    Args:
        objective: The objective that was trained.
        history: History of training with `violation`, `[steps, constraints]`.
        held_out: Both terms of the ELBO on each held-out split, by their names.

    Example:
        >>> from taut.objectives import Constrained, at_most
        >>> terms = {"test": {"expected_log_likelihood": -80.0, "kl": 12.4}}
        >>> for line in sentences(constraint_checks(Constrained(maximise="elbo", subject_to=at_most("kl", 12)),
        ...                                         {"violation": np.full((20, 1), -0.5)}, terms)):
        ...     print(line)
        kl<=12: 11.500 in training (met), 12.400 on the test split (missed by 0.400).
    """
    path = np.asarray(history.get("violation", ()), float)
    tail = path[-max(len(path) // 10, 1) :].mean(axis=0) if len(path) else ()
    found = []
    for i, constraint in enumerate(objective.constraints):
        if len(tail):
            found.append(_check(constraint, TRAINING, float(tail[i])))
        for split, terms in held_out.items():
            found.append(_check(constraint, split, float(constraint.violation(terms))))
    return found


def _check(constraint: Constraint, split: str, violation: float) -> ConstraintCheck:
    value = constraint.bound - violation if constraint.above else constraint.bound + violation
    return ConstraintCheck(str(constraint), split, float(value), violation, float(violation / constraint.scale))


def sentences(checks: list[ConstraintCheck]) -> list[str]:
    """A sentence for each constraint, with its value and the answer on every split."""
    by_name: dict[str, list[str]] = {}
    for check in checks:
        by_name.setdefault(check.constraint, []).append(check.words)
    return [f"{name}: {', '.join(parts)}." for name, parts in by_name.items()]
