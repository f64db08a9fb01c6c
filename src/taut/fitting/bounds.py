"""A bound that no decoder can meet, refused before training."""

from typing import Any

import jax
import numpy as np

from taut.diagnostics.saddle import refuse_unreachable
from taut.problem import Problem

EVALUATED = 10_000
"""Most examples that are looked at for an ELBO to show or a bound to refuse."""


def refuse_unreachable_bounds(problem: Problem, rows: Any, transform: Any) -> None:
    """Refuse a bound that no decoder can meet, by what the data leave possible."""
    sample = rows[:EVALUATED]
    seen = sample if transform is None else np.asarray(transform(jax.random.key(0), jax.device_put(sample)))
    refuse_unreachable(problem.objective, problem.model, seen)
