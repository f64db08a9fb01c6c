"""A bound that no decoder can meet, refused before training."""

from typing import Any

import jax
import numpy as np

from taut.data.given import Rows
from taut.diagnostics.saddle import refuse_unreachable
from taut.problem import Problem
from taut.results.latent import EVALUATED


def refuse_unreachable_bounds(problem: Problem, rows: Rows) -> None:
    """Refuse a bound that no decoder can meet, by what the data leave possible.

    Args:
        problem: The problem, of any objective.
        rows: The rows; at most 10,000 are looked at, as the model sees them.

    Raises:
        ArgumentError: A bound that no decoder can meet.
    """
    if not problem.model.local or not problem.objective.constraints:
        return
    sample, transform = rows.rows[:EVALUATED], rows.transform
    seen: Any = sample if transform is None else np.asarray(transform(jax.random.key(0), jax.device_put(sample)))
    refuse_unreachable(problem.objective, problem.model, seen)
