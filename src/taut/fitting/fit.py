"""`taut.fit`: chooses the sentences that were left open, runs, and assembles the result."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from taut.algorithms.base import OnDensity
from taut.choosing.choose import choose
from taut.choosing.gradient import decide
from taut.core import precision
from taut.data.inputs import examples_of, rows_of
from taut.data.source import Source
from taut.errors import ArgumentError
from taut.fitting.bounds import refuse_unreachable_bounds
from taut.fitting.by_steps import by_steps, monitor_for, on_density
from taut.learning.loop import Checkpoint
from taut.models import LogDensity, Model
from taut.models.checks.structure import check_structure
from taut.results.fit import Fit
from taut.results.latent import LatentFit
from taut.verdict.judge_latent import examples_to_judge

LOCAL_BATCH = 128
"""Examples for each step of a latent-variable model unless the caller says otherwise."""


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
        gradient: "exact", "reparametrization", "path-derivative", "reinforce", ..., or an instance; "auto" takes the
            one that should be there soonest, by a short pilot where the run is long. Naming one chooses the stochastic
            algorithm.
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
    if isinstance(model, LogDensity):
        check_structure(model, rows, dtype)
    choice = choose(
        model,
        rows,
        family=family,
        objective=objective,
        gradient=gradient,
        algorithm=algorithm,
        steps=steps,
        minibatch=batch_size is not None,
    )
    if model.local:
        refuse_unreachable_bounds(choice.problem, rows, transform)
    if choice.automatic:
        choice = decide(choice, source, seed, checkpoint)
    prepared = time.perf_counter()
    held_out = (rows, transform) if validation is None else (np.asarray(validation), None)
    if isinstance(choice.algorithm, OnDensity):
        run = on_density(choice, source, seed, callback)
    else:
        monitor = monitor_for(choice.problem, source, validation, patience, seed)
        run = by_steps(choice, source, seed, progress, callback, checkpoint, monitor, held_out)
    done = time.perf_counter()
    kind = LatentFit if model.local else Fit
    return kind(
        problem=run.problem,
        algorithm=choice.algorithm,
        bound=run.bound,
        history=run.history,
        ended=run.ended,
        reason=run.reason,
        reasons=choice.reasons,
        gradient_evaluations=run.gradient_evaluations,
        iterations=run.iterations,
        rows=source.size,
        batch_size=batch_size,
        seed=seed,
        dtype=dtype,
        seconds={
            "prepare": prepared - begun,
            "learn": run.learned - prepared,
            "evaluate": done - run.learned,
            "total": done - begun,
        },
        steps_per_second=run.steps_per_second,
        design=design,
        labels=labels,
        evidence=run.evidence,
        judged=run.judged,
        convergence=run.convergence,
        parent=examples_to_judge(*held_out, seed) if model.local else source.parent,
    )
