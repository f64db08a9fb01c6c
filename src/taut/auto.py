"""`taut.fit`: chooses the sentences that were left open, runs, and assembles the result."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut import precision
from taut.choose import choose
from taut.data.source import Source
from taut.diagnostics.elbo import Bound, elbo, elbo_per_example
from taut.errors import ArgumentError
from taut.gradients.problem import Problem, trainable
from taut.inputs import EVALUATED, examples_of, refuse_unreachable_bounds, rows_of
from taut.latent_fit import LatentFit
from taut.learn import Checkpoint, Ended, Outcome, learn
from taut.models import Model
from taut.monitors import BestFeasible, EarlyStopping, Monitor
from taut.objectives import Constrained, Elbo
from taut.progress import ProgressBar
from taut.result import Fit
from taut.trees import cast

LOCAL_BATCH = 128
"""Examples for each step of a latent-variable model unless the caller says otherwise."""
LOOK_STEPS = 200
"""Fewest steps between two looks of a monitor: a look interrupts the compiled loop."""


def fit(
    model: Model,
    data: Any = None,
    *,
    family: Any = None,
    objective: Any = None,
    gradient: Any = None,
    algorithm: Any = None,
    seed: int = 0,
    steps: int | None = None,
    batch_size: int | None = None,
    sample_weight: Any = None,
    missing: str = "refuse",
    positive: Any = None,
    dtype: Any = None,
    progress: bool | None = None,
    checkpoint: str | Path | Checkpoint | None = None,
    validation: Any = None,
    patience: int | None = None,
    transform: Callable | None = None,
    callback: Callable[[int, dict[str, np.ndarray]], None] | None = None,
) -> Fit:
    """Fit a posterior: the five sentences, one argument each, and what is left out is chosen and named.

    Args:
        model: what is unknown and how it makes the data.
        data: `(X, y)` for a regression (arrays or tables; X without a column of ones), a pytree of arrays `[n, ...]`
            for a log density by rows, examples `[n, ...]` for a latent-variable model, nothing for a joint log density.
        family: "mean-field", "full-rank", a class or an instance.
        objective: "elbo", "beta=4", "annealed", "free-bits=0.5", "iwae=50", "expected_log_likelihood>=-80", "kl<=12",
            or an instance.
        gradient: "exact", "reparametrization", "path-derivative", "reinforce", or an instance; naming one chooses the
            stochastic algorithm.
        algorithm: "natural", "stochastic", or an instance.
        seed: of every random number.
        steps: budget, in place of the algorithm's own.
        batch_size: rows for each step; all by default, 128 for a latent-variable model.
        sample_weight: `[n]`, how much each row counts.
        missing: "refuse" rows with missing values, or "drop" them (regressions).
        positive: the label that counts as 1 (regressions; by default the larger).
        dtype: "float64" (default for models with one z for all rows) or "float32".
        progress: show a bar; None shows it on a terminal.
        checkpoint: a folder to save the state in by time; a fit that finds one there goes on from it, bit for bit.
        validation: held-out examples as the model sees them (latent-variable models), on whose true ELBO early stopping
            looks.
        patience: looks without a better validation ELBO after which training stops, a look being an epoch but at least
            200 steps; None never stops it.
        transform: `(key, rows) -> rows` on each batch, compiled into the step, e.g. dynamic binarisation.
        callback: called between chunks with the steps made and the chunk's history.

    Returns:
        The fit: `elbo`, `summary()`, `sample()`, `predict()`, `save()`, ...

    Raises:
        DataError: data that cannot be used.
        ArgumentError: an argument that makes no sense.
        PairingError: parts that do not go together.
        SavedFitError: a checkpoint of something else.

    Example:
        >>> import numpy as np, taut
        >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
        >>> result = taut.fit(taut.models.LogisticRegression(), (X, [0, 0, 1, 1]))
        >>> result.ended.word
        'converged'
    """
    if not isinstance(model, Model):
        raise ArgumentError(
            f"model={model!r} is not a Taut model; give e.g. taut.models.LogisticRegression() or "
            "taut.models.LogDensity(...)."
        )
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ArgumentError(f"seed={seed!r}: a whole number from 0 to 2**32 - 1 is needed.")
    if isinstance(checkpoint, (str, Path)):
        checkpoint = Checkpoint(Path(checkpoint))
    begun = time.perf_counter()
    dtype = precision.resolve(dtype if dtype is not None else ("float32" if model.local else "float64"))
    if model.local:
        data, validation, transform = examples_of(data, validation, transform)
    rows, weights, design, labels = rows_of(model, data, sample_weight, missing, positive, transform)
    if model.local and batch_size is None:
        batch_size = min(LOCAL_BATCH, len(rows))
    source = Source(rows, weights, batch_size, seed, dtype, transform)
    choice = choose(model, rows, family=family, objective=objective, gradient=gradient, algorithm=algorithm,
                    steps=steps, minibatch=batch_size is not None)  # fmt: skip
    if model.local:
        refuse_unreachable_bounds(choice.problem, rows, transform)
    monitor = _monitor(choice.problem, source, validation, patience, seed)
    prepared = time.perf_counter()
    with precision.context(dtype):
        problem = cast(choice.problem, dtype)
        with ProgressBar(choice.algorithm.steps, progress, batch_size if model.local else None) as bar:
            outcome = learn(
                problem,
                choice.algorithm,
                source,
                seed=seed,
                callback=_both(bar, callback),
                checkpoint=checkpoint,
                monitor=monitor,
            )
        learned = time.perf_counter()
        bound = _bound(choice.algorithm, outcome, source, seed, rows, validation)
    ended, reason = _judged(outcome, bound)
    done = time.perf_counter()
    kind = LatentFit if model.local else Fit
    return kind(
        problem=_learned(outcome.problem, choice.problem),
        algorithm=choice.algorithm,
        bound=bound,
        history=outcome.history,
        ended=ended,
        reason=reason,
        reasons=choice.reasons,
        gradient_evaluations=choice.algorithm.gradient_evaluations(
            choice.problem, outcome.state, source.size, batch_size
        ),
        iterations=choice.algorithm.iterations(outcome.state),
        rows=source.size,
        batch_size=batch_size,
        seed=seed,
        dtype=dtype,
        seconds={
            "prepare": prepared - begun,
            "learn": learned - prepared,
            "evaluate": done - learned,
            "total": done - begun,
        },
        steps_per_second=outcome.steps_per_second,
        design=design,
        labels=labels,
        evidence={f"validation.{k}": v for k, v in monitor.arrays().items() if not k.startswith("best")}
        if monitor
        else {},
    )


def _learned(outcome: Problem, given: Problem) -> Problem:
    """The given problem with its learned leaves as they came out, in host memory, and all others untouched."""
    moved = jax.tree.map(np.asarray, eqx.filter(outcome, trainable(outcome)))
    return eqx.combine(moved, given)


def _both(bar: ProgressBar, callback: Callable | None) -> Callable:
    def call(made: int, history: dict[str, np.ndarray]) -> None:
        bar(made, history)
        if callback is not None:
            callback(made, history)

    return call


def _monitor(problem: Any, source: Source, validation: Any, patience: int | None, seed: int) -> Monitor | None:
    """Early stopping where it was asked for, the best feasible iterate where there are constraints."""
    every = -(-LOOK_STEPS // source.steps_per_epoch) * source.steps_per_epoch  # whole epochs
    if patience is not None:
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(f"patience={patience!r}: a positive whole number of looks is needed.")
        if validation is None:
            raise ArgumentError("patience needs validation=, held-out examples on which the true ELBO is looked at.")
        key = jax.random.key(seed)
        held_out = np.asarray(validation)
        return EarlyStopping(lambda p: elbo_per_example(p, held_out, key)[0].elbo, every, patience)
    if isinstance(problem.objective, Constrained):
        return BestFeasible(every, problem.objective)
    return None


def _bound(algorithm: Any, outcome: Outcome, source: Source, seed: int, rows: Any, validation: Any) -> Bound:
    """The final ELBO: the algorithm's own where it is exact (nothing to compile), else evaluated on all rows."""
    if outcome.history:
        own = algorithm.terms(outcome.state)
        if own is not None:
            return Bound(float(own[0]), float(own[1]), float(own[2]), 0.0)
    key = jax.random.fold_in(jax.random.key(seed), 2**31 - 1)  # apart from every step's key
    if not outcome.problem.model.local:
        return elbo(outcome.problem, key, jax.device_put(source.parent))
    if validation is not None:
        return elbo_per_example(outcome.problem, np.asarray(validation)[:EVALUATED], key)[0]
    return elbo_per_example(outcome.problem, rows[:EVALUATED], key, transform=source.transform)[0]


def _judged(outcome: Outcome, bound: Bound) -> tuple[Ended, str]:
    """How it ended; a stochastic run that finished below its start has diverged, finite or not."""
    if outcome.ended is not Ended.BUDGET_SPENT or not isinstance(outcome.problem.objective, Elbo):
        return outcome.ended, outcome.reason
    first = outcome.history["elbo"][:10]
    if not np.isfinite(bound.elbo) or bound.elbo < first.mean() - 3 * first.std() - 1e-6 * abs(first.mean()):
        return Ended.DIVERGED, (
            f"The ELBO ended at {bound.elbo:.6g} nats, below where it began ({first.mean():.6g}). The learning rate "
            "is too large for this "
            "gradient's noise: lower it, raise samples, or use the reparametrization gradient."
        )
    return outcome.ended, outcome.reason
