"""When a training on examples stops, where that was left open: by its own rule, on held-out examples."""

import dataclasses

from taut import algorithms
from taut.choosing.choose import Choice
from taut.data.given import Rows

MOST_STEPS = 20_000
"""Budget of a training that stops by its own rule."""


def with_stopping(choice: Choice, rows: Rows, patience: int | None, *, budget_open: bool) -> tuple[Choice, int | None]:
    """The choice with a budget that leaves room for the rule, and the patience.

    A budget that was asked for is kept. Constraints keep the best iterate that meets them and stop by no patience.

    Args:
        choice: The five sentences.
        rows: The examples, held-out ones among them or not.
        patience: Looks without a rise that counts, None where that was left open.
        budget_open: Whether neither steps nor an algorithm was asked for.
    """
    constrained = bool(choice.problem.objective.constraints)
    if not budget_open or rows.validation is None or constrained:
        return choice, patience
    from taut.learning.monitors import PATIENCE  # of trainings on examples, and of no other fit

    algorithm = choice.algorithm
    if isinstance(algorithm, algorithms.StochasticGradient):
        algorithm = dataclasses.replace(algorithm, steps=MOST_STEPS)
    return dataclasses.replace(choice, algorithm=algorithm), PATIENCE if patience is None else patience
