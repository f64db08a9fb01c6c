"""`gradient="auto"`: the estimator of a run, chosen by a rule where it is short and by a pilot where it is long."""

import dataclasses
import time
from typing import Any

import jax
import numpy as np

from taut.choosing.candidates import candidates, rule
from taut.choosing.choose import Choice
from taut.choosing.pilot import Pilot
from taut.choosing.rules import built
from taut.choosing.trial_run import begin
from taut.core import precision
from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.cost import Ledger
from taut.core.trees import cast, describe, without_rooms
from taut.data.source import Source
from taut.families import FullRank, MeanField
from taut.gradients import Gradient
from taut.learning.checkpoints import CHECKPOINT_FILE, Checkpoint
from taut.learning.saver import read_checkpoint
from taut.models.checks.jumps import jumps, of_function
from taut.models.target import Target
from taut.problem import Problem, evaluations

LONG = 30.0
"""Seconds from which on a run is worth a pilot."""
STRETCH, ROWS = np.array([[1.0], [3.0], [10.0]]), 256
"""Lines along which jumps are looked for, times the distance of two draws of q, which may start narrow; rows there."""


def decide(choice: Choice, source: Source, seed: int, checkpoint: Checkpoint | None, ledger: Ledger) -> Choice:
    """The choice with its gradient filled in.

    Args:
        choice: all other sentences.
        source: the rows.
        seed: of all draws.
        checkpoint: a run that goes on from one keeps its estimator.
        ledger: where the cost of the pilot is entered.
    """
    with precision.context(source.dtype):
        smooth = differentiable(choice.problem, source, seed)
        if not smooth:
            choice = _without_correlations(choice, source)
        problem = cast(choice.problem, source.dtype)
        unit = problem.family.at(jax.tree.map(lambda a: a[:1], source.rows))
        gradient, reason = rule(problem, unit, choice.draws, smooth)
        others = candidates(problem, unit, choice.draws, smooth, gradient)
        before = _before(checkpoint, [gradient, *others])
        if before is not None:
            return _taken(choice, before, "chosen when the run began, which goes on here")
        return _taken(choice, *_measured(problem, gradient, reason, others, choice.algorithm, source, seed, ledger))


def _measured(
    problem: Problem,
    gradient: Gradient,
    reason: str,
    others: list[Gradient],
    algorithm: Any,
    source: Source,
    seed: int,
    ledger: Ledger,
) -> tuple[Gradient, str]:
    """The rule's choice for a short run, else the pilot's, and why."""
    problem = Problem(problem.model, problem.family, problem.objective, gradient)
    algorithm.check(problem)
    pace = begin(problem, algorithm, source, seed)
    ledger.add(gradients=pace.made * evaluations(problem, source.size, source.batch_size))
    seconds = pace.seconds * algorithm.steps
    if seconds < LONG:
        return gradient, f"{reason}; a rule chose, since about {seconds:.2g} s of steps are too few for a pilot"
    if not others:
        return gradient, f"{reason}; a rule chose, since no other unbiased estimator goes with the other parts"
    begun = time.perf_counter()
    pilot = Pilot(problem, algorithm, source, seed, pace)
    best, second, *_ = pilot.compare([gradient, *others])
    took = time.perf_counter() - begun
    ledger.add(gradients=pilot.gradients)
    return best.gradient, (
        f"a pilot of {took - pilot.compiling:.2g} s (and {pilot.compiling:.2g} s to compile) measured "
        f"{1 + len(others)} estimators; by variance and time {best} should need {best.cost / second.cost:.2g} of the "
        f"time of the runner-up, {second}"
    )


def differentiable(problem: Problem, source: Source, seed: int) -> bool:
    """Whether the log density has no jumps around draws of q; a family without pathwise derivatives does not ask."""
    if Capability.REPARAMETRISED not in problem.family.offers:
        return True
    problem = cast(problem, source.dtype)
    few = min(ROWS, source.size)
    some = jax.tree.map(lambda a: np.asarray(a[:few]), source.rows)
    cut = problem.model.units(Batch(some, np.ones(few, source.dtype), np.asarray(few), np.asarray(few)))
    rows, weights = jax.tree.map(lambda a: np.asarray(a[0]), (cut.rows, cut.weights))  # of the first unit
    rows = cast(rows, source.dtype)
    key, of_data = jax.random.split(jax.random.key(seed))
    rows = rows if source.transform is None else source.transform(of_data, rows)
    q = problem.family.at(rows)
    draws = jax.vmap(lambda key: q.sample(q.noise(key)))(jax.random.split(key, 2 * len(STRETCH)))
    start, end = np.asarray(draws, float).reshape(2, len(STRETCH), -1)
    one = np.ones((), source.dtype)
    density = jax.tree_util.Partial(_log_joint, Target(problem.model, rows, weights, one))
    evaluate = of_function(density, source.dtype)
    return not any(not jump.hole for jump in jumps(evaluate, start, start + STRETCH * (end - start), source.dtype))


def _log_joint(target: Target, z: Any) -> Any:
    return target.log_likelihood(z) + target.log_prior(z)


def _without_correlations(choice: Choice, source: Source) -> Choice:
    """A mean field where a full covariance was chosen: without pathwise derivatives the noise grows with parameters."""
    if choice.reasons["family"] == "given" or not isinstance(choice.problem.family, FullRank):
        return choice
    model, reasons = choice.problem.model, dict(choice.reasons)
    reasons["family"] = "the log density jumps, and noise without its derivatives grows with the number of parameters"
    problem = dataclasses.replace(choice.problem, family=built(MeanField, model, source.rows))
    return dataclasses.replace(choice, problem=problem, reasons=reasons)


def _before(checkpoint: Checkpoint | None, shelf: list[Gradient]) -> Gradient | None:
    """The estimator of the run that is gone on with: timings may choose another today."""
    if checkpoint is None or not checkpoint.resume or not (checkpoint.folder / CHECKPOINT_FILE).exists():
        return None
    _, meta = read_checkpoint(checkpoint)
    said = meta["identity"]["problem"].get("gradient")
    return next((g for g in shelf if describe(g) == without_rooms(said)), None)


def _taken(choice: Choice, gradient: Gradient, reason: str) -> Choice:
    problem = dataclasses.replace(choice.problem, gradient=gradient)
    choice.algorithm.check(problem)
    return dataclasses.replace(choice, problem=problem, reasons={**choice.reasons, "gradient": reason})
