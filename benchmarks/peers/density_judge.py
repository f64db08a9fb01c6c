"""What the entrants of the density race share: the joint density over the unconstrained vector, errors, and clocks."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from targets import target  # noqa: E402
from targets.target import Target  # noqa: E402


def log_density(known: Target) -> Callable:
    """log p over the unconstrained vector, Jacobian included, as a plain JAX function."""
    model = known.model

    def log_prob(z):
        return model.log_likelihood(z, None)[0] + model.prior.log_prob(z)

    return log_prob


def errors(known: Target, z: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Largest error of a mean in reference sds, and least and largest ratio of an sd to the reference's."""
    values = jax.jit(jax.vmap(known.model.constrain))(z)
    columns = np.concatenate([np.asarray(values[name]).reshape(len(z), -1) for name in sorted(values)], axis=1)
    w = np.full(len(z), 1 / len(z)) if weights is None else weights / weights.sum()
    mean = w @ columns
    return compared(known, mean, np.sqrt(w @ (columns - mean) ** 2))


def compared(known: Target, mean: np.ndarray, sd: np.ndarray) -> dict[str, float]:
    """The same from moments."""
    ratio = sd / known.sd
    return {
        "mean_error": float(np.max(np.abs(mean - known.mean) / known.sd)),
        "least_sd": float(ratio.min()),
        "largest_sd": float(ratio.max()),
    }


def serve(fitter: Callable[[Target], Callable[[int], dict[str, Any]]]) -> None:
    """Run the task in `sys.argv[1]`: {"target", "calls"}; print one JSON object.

    The clock of a call covers compilation, steps and whatever verdict the tool gives, until draws or moments can be
    read; judging them is not timed.

    Args:
        fitter: `target -> call`; `call(seed)` gives `finish`, a function without arguments that returns the errors, and
            what else is to be reported.
    """
    jax.config.update("jax_enable_x64", True)  # the reference answers deserve it, and every entrant gets it
    task = json.loads(sys.argv[1])
    known = target(task["target"])
    call, seconds, answer = fitter(known), [], {}
    for seed in range(task["calls"]):
        begun = time.perf_counter()
        answer = call(seed)
        seconds.append(time.perf_counter() - begun)
    finish = answer.pop("finish")
    print(json.dumps({"seconds": seconds} | answer | finish()))
