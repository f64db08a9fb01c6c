"""Gradient estimators side by side: mean, variance, time and evaluations of each, on a user's own problem."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from taut.choosing.meter import MeterReading, measure_gradient
from taut.core.arguments import plain
from taut.errors import ArgumentError
from taut.families import Family
from taut.gradients import Gradient, MeasureValued, NoControl, Reinforce, Reparametrization
from taut.gradients.labels import labels
from taut.models import Model
from taut.objectives import Objective
from taut.studies.setup import GradientStudy
from taut.studies.toys import RANGES, Toy

if TYPE_CHECKING:
    import polars as pl

COLUMNS = (
    "estimator",
    "declared_unbiased",
    "point",
    "parameter",
    "mean",
    "exact",
    "variance",
    "standard_error",
    "seconds",
    "evaluations",
)
LISTED = 1000
"""Most entries of a parameter that have a row each. A larger one (a network's weights) has one row for its total."""


def compare_gradients(
    model: Model,
    family: str | type[Family] | Family | None = None,
    data: Any = None,
    *,
    gradients: str | Gradient | Iterable[str | type[Gradient] | Gradient] | None = None,
    at: Family | Sequence[Family] | None = None,
    repeats: int = 1000,
    objective: str | Objective | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: Any = None,
) -> "pl.DataFrame":
    """The gradient estimators of a problem, measured at one place or along a training run.

    Args:
        model: The model.
        family: The family, by name, class or instance. An instance is also the place, unless `at` is given.
        data: The data, as `taut.fit` takes them; None for a joint log density.
        gradients: The estimators, by name, class or instance; None takes all that go with the other parts.
        at: A member of the family, or a list of members along a training run.
        repeats: Number of gradients of each estimator at each place, at least 2.
        objective: The objective, or a form such as "iwae=50"; None for the ELBO.
        batch_size: Number of rows drawn at random for each gradient; None for all rows.
        seed: Seed of all draws.
        dtype: The dtype of the computation; None for "float64", or "float32" where each example has its own z.

    Returns:
        A Polars DataFrame with a row for each estimator, place and scalar parameter. Its columns are `estimator`,
        `declared_unbiased` (what its author says of it; `taut.gradient_claims` measures it), `point` (the number of the
        place), `parameter`, `mean`, `exact` (null where no estimator is exact), `variance` (of one gradient),
        `standard_error` (of the mean), `seconds` (for one gradient) and `evaluations` (of the log density at one z,
        for one gradient of one unit). Gradients are derivatives of the objective, which is
        maximised. The seconds of an estimator without noise mean nothing: the compiler takes its gradient out of the
        loop. A parameter of more than 1,000 entries has one row, whose variance is the sum over its entries.

    Raises:
        ArgumentError: fewer than two repeats.
        PairingError: an estimator that was named does not go with the other parts.

    Example:
        >>> from taut.studies.toys import Toy
        >>> toy = Toy("square", k=0.0)
        >>> tried = ["reparametrization"]
        >>> table = compare_gradients(toy.model, toy.family, objective=toy.objective, gradients=tried, repeats=10)
        >>> table.columns[:4]
        ['estimator', 'declared_unbiased', 'point', 'parameter']

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """
    import polars as pl

    repeats = plain(repeats)
    if not isinstance(repeats, int) or repeats < 2:
        raise ArgumentError(f"repeats={repeats!r}: a variance needs a whole number of at least 2.")
    measured = GradientStudy(
        model,
        family,
        data,
        gradients=gradients,
        at=at,
        objective=objective,
        batch_size=batch_size,
        seed=seed,
        dtype=dtype,
    )
    first_row = jax.tree.map(lambda a: a[:1], measured.source.rows)
    table: list[dict[str, Any]] = []
    for point, place in enumerate(measured.places()):
        exact = measured.exact(place)
        evaluated = place.family.at(first_row)
        problems = list(measured.estimators(place))
        for problem, label in zip(problems, labels([p.gradient for p in problems]), strict=True):
            common = {
                "estimator": label,
                "declared_unbiased": problem.gradient.unbiased,
                "point": point,
                "evaluations": problem.gradient.evaluations(evaluated),
            }
            reading = measure_gradient(problem, measured.source, repeats, seed)
            table += [common | row for row in _entries(reading, exact, repeats)]
    return pl.DataFrame(
        table,
        schema=dict.fromkeys(COLUMNS, pl.Float64)
        | {
            "estimator": pl.String,
            "declared_unbiased": pl.Boolean,
            "point": pl.Int64,
            "parameter": pl.String,
            "evaluations": pl.Int64,
        },
    )


def _entries(reading: MeterReading, exact: Any | None, repeats: int) -> list[dict[str, Any]]:
    """A row for each scalar parameter, or one for a parameter of more than `LISTED` entries."""
    means = jax.tree_util.tree_leaves_with_path(reading.mean)
    variances = jax.tree.leaves(reading.variance)
    known = jax.tree.leaves(exact) if exact is not None else [None] * len(means)
    table: list[dict[str, Any]] = []
    for (path, mean), variance, true in zip(means, variances, known, strict=True):
        name = jax.tree_util.keystr(path).lstrip(".").removeprefix("family.")
        if mean.size > LISTED:
            table.append({"parameter": f"{name}: total of {mean.size}", "variance": float(variance.sum())})
            continue
        table += [
            {
                "parameter": name + (f"[{', '.join(map(str, place))}]" if place else ""),
                "mean": float(mean[place]),
                "exact": None if true is None else float(true[place]),
                "variance": float(variance[place]),
                "standard_error": float(np.sqrt(variance[place] / repeats)),
            }
            for place in np.ndindex(mean.shape)
        ]
    return [{"seconds": reading.seconds} | row for row in table]


def compare_on_toy(cost: str, *, points: int = 7, repeats: int = 500, seed: int = 0) -> "pl.DataFrame":
    """One draw of each estimator on a toy over its range of k, with the closed-form variances beside the measured ones.

    Args:
        cost: The cost under N(1, 1): "square", "exp" or "cos".
        points: Number of values of k.
        repeats: Number of gradients of each estimator at each k.
        seed: Seed of all draws.

    Returns:
        The table of `compare_gradients` with the columns `cost`, `k` and `closed_form_variance`. The parameters are
        "mean" and "sd".

    Example:
        >>> table = compare_on_toy("cos", points=2, repeats=10)
        >>> sorted(set(table["k"]))
        [0.5, 5.0]

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """
    import polars as pl

    tried = (Reparametrization(samples=1), Reinforce(samples=1, control=NoControl()), MeasureValued(samples=1))
    rows: list[dict[str, Any]] = []
    for k in np.linspace(*RANGES[cost], points).tolist():
        toy = Toy(cost, k)
        table = compare_gradients(
            toy.model, toy.family, objective=toy.objective, gradients=tried, repeats=repeats, seed=seed
        )
        for row in table.to_dicts():
            # At sd = 1 the derivative in log sd is the one in sd.
            parameter = "sd" if "sd" in row["parameter"] else "mean"
            known = {
                "parameter": parameter,
                "cost": cost,
                "k": k,
                "exact": toy.gradient(parameter),
                "closed_form_variance": toy.closed_form_variance(row["estimator"], parameter),
            }
            rows.append(row | known)
    return pl.DataFrame(rows)
