"""`taut.fit`: chooses the sentences that were left open, runs, and assembles the result."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taut import __version__
from taut.choosing.choose import Choice, choose
from taut.core import precision
from taut.core.arguments import function, path, whole
from taut.core.cost import PREPARING, Ledger
from taut.data.given import Given
from taut.data.provenance import called, of_run
from taut.data.source import Source
from taut.errors import ArgumentError
from taut.fitting.empirical import with_best_prior
from taut.fitting.given_model import check_model
from taut.fitting.outcome import Outcome, Request
from taut.fitting.run import run
from taut.fitting.stopping import with_stopping
from taut.learning.checkpoints import Checkpoint
from taut.models import Model
from taut.models.base import Described
from taut.results.fit import Fit
from taut.results.kinds import fit_class

if TYPE_CHECKING:
    from taut.data import Columns


def fit(
    model: Model | Described,
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
    columns: "Columns | None" = None,
    dtype: Any = None,
    fallbacks: bool = True,
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
        data: a table (of Polars or pandas) for a regression by formula, `(X, y)` for one without (arrays or tables; X
            without a column of ones), a pytree of arrays `[n, ...]`
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
        sample_weight: `[n]`, how often each row counts: 2 is the row twice, 0 is the row left out.
        missing: "refuse" rows with missing values, "drop" them, or "impute" features (regressions).
        positive: the label that counts as 1 (regressions; by default the larger).
        columns: which columns of a table are features, and what they hold where that has to be said (regressions).
        dtype: "float64" (default for models with one z for all rows) or "float32".
        fallbacks: where family and algorithm are left open and the posterior found is doubtful, try richer families and
            chains, which may take half a minute; False leaves it at the verdict (one z for all rows).
        progress: show a bar; None shows it on a terminal, and elsewhere writes a line now and then after five seconds.
        checkpoint: a folder to save the state in by time; a fit that finds one there goes on from it, bit for bit.
        validation: held-out examples as the model sees them (latent-variable models), on whose true ELBO early stopping
            looks.
        patience: looks in which the validation ELBO rises by less than 0.1 % in all, after which training stops
            (latent-variable models), a look being an epoch but at least 200 steps. 20 where there are held-out examples
            and the budget is left open, which then is 20,000 steps; else None, which never stops it.
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
    call = called(fit, "taut.fit", locals())
    ledger = Ledger(PREPARING)
    check_model(model, data)
    seed, batch_size, steps = _counts(seed, batch_size, steps)
    checkpoint = _given(checkpoint, transform, callback)
    kind = fit_class(model)
    if not kind.takes_validation:
        _refuse_validation(model, {"validation": validation, "patience": patience})
    dtype = precision.resolve(model.dtype if dtype is None else dtype)
    rows = kind.read(model, Given(data, sample_weight, missing, positive, columns, validation, transform))
    shaped: Model = model if isinstance(model, Model) else rows.model
    if batch_size is None and shaped.batch_size is not None:
        batch_size = min(shaped.batch_size, len(rows.rows))
    source = Source(rows.rows, rows.weights, batch_size, seed, dtype, rows.transform)
    shaped.check_data(rows.rows, dtype)
    choice = choose(
        shaped,
        rows.rows,
        family=family,
        objective=objective,
        gradient=gradient,
        algorithm=algorithm,
        steps=steps,
        minibatch=batch_size is not None,
        fallbacks=fallbacks,
    )
    kind.check_problem(choice.problem, rows)
    choice = with_best_prior(choice, source, seed, ledger)
    choice, patience = with_stopping(choice, rows, patience, budget_open=steps is None and algorithm is None)
    if choice.automatic:
        from taut.choosing.gradient import decide  # with the pilot, which few fits need

        choice = decide(choice, source, seed, checkpoint, ledger)
    request = Request(kind, rows, source, seed, progress, callback, checkpoint, patience, ledger)
    outcome = run(choice.algorithm, choice, request)
    return _assembled(choice, request, outcome, rows.facts | of_run(call, __version__, seed))


def _counts(seed: Any, batch_size: Any, steps: Any) -> tuple[int, int | None, int | None]:
    """The whole numbers among the arguments.

    Raises:
        ArgumentError: One that is none, or out of its range.
    """
    batch_size = None if batch_size is None else whole("batch_size", batch_size, 1)
    steps = None if steps is None else whole("steps", steps, 1)
    return whole("seed", seed, 0, 2**32 - 1), batch_size, steps


def _given(checkpoint: Any, transform: Any, callback: Any) -> Checkpoint | None:
    """The checkpoint, with the functions checked.

    Raises:
        ArgumentError: Something else than a folder, or than functions.
    """
    function("transform", transform, "(key, rows) -> rows")
    function("callback", callback, "of the steps made and the history since")
    if checkpoint is None or isinstance(checkpoint, Checkpoint):
        return checkpoint
    return Checkpoint(path("checkpoint", checkpoint))


def _refuse_validation(model: Model | Described, asked: dict[str, Any]) -> None:
    """Refuse what no algorithm would look at, in place of ignoring it."""
    for name, value in asked.items():
        if value is not None:
            raise ArgumentError(
                f"{name}= is for latent-variable models, whose training stops by held-out examples; a {model.name} is "
                f"fitted to all of its data. Leave {name} out."
            )


def _assembled(choice: Choice, request: Request, outcome: Outcome, provenance: dict[str, str]) -> Fit:
    """The result, of the kind that the model leads to."""
    source = request.source
    return request.kind(
        problem=outcome.problem,
        algorithm=choice.algorithm,
        bound=outcome.bound,
        history=outcome.history,
        ended=outcome.ended,
        reason=outcome.reason,
        reasons=choice.reasons | outcome.reasons,
        iterations=outcome.iterations,
        rows=source.size,
        batch_size=source.batch_size,
        seed=request.seed,
        dtype=source.dtype,
        spent=request.ledger.cost,
        steps_per_second=outcome.steps_per_second,
        evidence=outcome.evidence,
        convergence=outcome.convergence,
        provenance=provenance,
        **request.kind.kept(request.rows, source, request.seed, choice.open),
        **outcome.own,
    )
