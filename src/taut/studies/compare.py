"""Gradient estimators side by side: mean, variance, time and evaluations of each, on a user's own problem."""

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from taut.algorithms import StochasticGradient
from taut.choosing.choose import choose
from taut.choosing.meter import Measured, measure
from taut.choosing.names import GRADIENTS, named
from taut.core import precision
from taut.data.given import Given
from taut.data.source import Source
from taut.errors import ArgumentError
from taut.gradients import (
    Enumeration,
    Exact,
    Gradient,
    MeasureValued,
    NoControl,
    Reinforce,
    Reparametrization,
    admissible,
)
from taut.models import Model
from taut.objectives.parse import parse_objective
from taut.problem import Problem
from taut.results.kinds import fit_class

COLUMNS = (
    "estimator",
    "unbiased",
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
"""Most entries of a parameter that have a row each; a larger one (a network's weights) has one for its total."""


def compare_gradients(
    model: Any,
    family: Any = None,
    data: Any = None,
    *,
    gradients: Iterable[Any] | None = None,
    at: Any = None,
    repeats: int = 1000,
    objective: Any = None,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: Any = None,
) -> Any:
    """The gradient estimators of a problem, measured at one place or along a training run.

    Args:
        model: what is unknown.
        family: the shape of the posterior: a name, class or member; a member is also the place, unless `at` is given.
        data: as `taut.fit` takes them; None for a joint log density.
        gradients: estimators, by name or as instances; None takes all that go with the other parts.
        at: a member of the family, or a list of members along a training run.
        repeats: gradients of each, at least 2.
        objective: what is maximised, a part or a form such as "iwae=50"; the ELBO by default.
        batch_size: rows drawn at random for each gradient; None for all.
        seed: of all draws.
        dtype: "float64" unless each example has its own z.

    Returns:
        A Polars DataFrame with a row for each estimator, place and scalar parameter: `estimator`, `unbiased`, `point`
        (the place's number), `parameter`, `mean`, `exact` (where an exact estimator serves the same parts), `variance`
        (of one gradient), `standard_error` (of the mean), `seconds` (for one gradient; next to nothing for one without
        noise, which the compiler takes out of the loop), `evaluations` (of the log density at one z, for one gradient
        of one unit). Gradients are of the objective, which goes up. A parameter of more than 1,000 entries has one row,
        whose variance is the sum over its entries.

    Raises:
        PairingError: an estimator that was named and does not go with the other parts.

    Example:
        >>> from taut.studies.toys import Toy
        >>> toy = Toy("square", k=0.0)
        >>> tried = ["reparametrization"]
        >>> table = compare_gradients(toy.model, toy.family, objective=toy.objective, gradients=tried, repeats=10)
        >>> table.columns[:4]
        ['estimator', 'unbiased', 'point', 'parameter']

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """
    import polars as pl

    if not isinstance(repeats, int) or repeats < 2:
        raise ArgumentError(f"repeats={repeats!r}: a variance needs a whole number of at least 2.")
    if gradients is not None:
        gradients = [gradients] if isinstance(gradients, (str, Gradient)) else list(gradients)
    draws = None
    if isinstance(objective, str):
        objective, draws = parse_objective(objective, StochasticGradient().steps)
    read = fit_class(model).read(model, Given(data))
    rows, weights = read.rows, read.weights
    source = Source(rows, weights, batch_size, seed, precision.resolve(dtype or _dtype(model)))

    def problem(family: Any, gradient: Any) -> Problem:
        return choose(
            model,
            rows,
            family=family,
            objective=objective,
            gradient=gradient,
            algorithm=None,
            steps=None,
            minibatch=batch_size is not None,
        ).problem

    table: list[dict[str, Any]] = []
    places = [family] if at is None else list(at) if isinstance(at, (list, tuple)) else [at]
    for point, place in enumerate(places):
        first = problem(place, Reinforce(samples=draws or 2))  # which goes with everything
        exact = _exact(first, source, seed)
        for gradient in _tried(gradients, first, draws):
            here = problem(first.family, gradient)
            table += _rows(here, measure(here, source, repeats, seed), exact, source, point, repeats)
    return pl.DataFrame(
        table,
        schema=dict.fromkeys(COLUMNS, pl.Float64)
        | {
            "estimator": pl.String,
            "unbiased": pl.Boolean,
            "point": pl.Int64,
            "parameter": pl.String,
            "evaluations": pl.Int64,
        },
    )


def _dtype(model: Model) -> str:
    return "float32" if model.local else "float64"


def _tried(gradients: list[Any] | None, problem: Problem, draws: int | None) -> list[Gradient]:
    """The estimators that were named, or all that go with the problem's other parts."""
    if gradients is None:
        return admissible(problem.objective, problem.model, problem.family, draws)
    return [_instance(g, draws) for g in gradients]


def _instance(gradient: Any, draws: int | None) -> Any:
    """A gradient that was named, with the draws that the objective fixes; others as they are."""
    part = named("gradient", gradient, GRADIENTS, Gradient)
    return part(samples=draws) if isinstance(part, type) and draws is not None else part


def _exact(problem: Problem, source: Source, seed: int) -> Any:
    """The gradient without noise on all rows, None where no exact estimator serves."""
    for gradient in (Exact(), Enumeration()):
        if gradient.supports(problem.objective, problem.model, problem.family) is None:
            whole = Source(source.rows, source.weights, None, seed, source.dtype)
            whole.size = source.size  # its rows are padded already
            exact = Problem(problem.model, problem.family, problem.objective, gradient)
            return measure(exact, whole, 2, seed).mean
    return None


def _rows(
    problem: Problem, seen: Measured, exact: Any, source: Source, point: int, repeats: int
) -> list[dict[str, Any]]:
    unit = problem.family.at(jax.tree.map(lambda a: a[:1], source.rows))
    common = {
        "estimator": problem.gradient.label,
        "unbiased": problem.gradient.unbiased,
        "point": point,
        "seconds": seen.seconds,
        "evaluations": problem.gradient.evaluations(unit),
    }
    means = jax.tree_util.tree_leaves_with_path(seen.mean)
    variances = jax.tree.leaves(seen.variance)
    known = jax.tree.leaves(exact) if exact is not None else [None] * len(means)
    table = []
    for (path, mean), variance, true in zip(means, variances, known, strict=True):
        name = jax.tree_util.keystr(path).lstrip(".").removeprefix("family.")
        if mean.size > LISTED:
            total = {"parameter": f"{name}: total of {mean.size}", "variance": float(variance.sum())}
            table.append(common | total)
            continue
        for place in np.ndindex(mean.shape):
            entry = {"mean": mean[place], "variance": variance[place], "exact": None if true is None else true[place]}
            numbers = {k: None if v is None else float(v) for k, v in entry.items()}
            error = float(np.sqrt(variance[place] / repeats))
            index = f"[{', '.join(map(str, place))}]" if place else ""
            table.append(common | numbers | {"parameter": name + index, "standard_error": error})
    return table


def study(cost: str, *, points: int = 7, repeats: int = 500, seed: int = 0) -> Any:
    """One draw of each estimator on a toy over its range of k, with the closed-form variances beside the measured ones.

    Args:
        cost: "square", "exp" or "cos", under N(1, 1).
        points: values of k.
        repeats: gradients at each.
        seed: of all draws.

    Returns:
        The table of `compare` with `cost`, `k` and `closed_form_variance`; parameters are "mean" and "sd".

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """
    import polars as pl

    from taut.studies.toys import RANGES, Toy

    tried = (Reparametrization(samples=1), Reinforce(samples=1, control=NoControl()), MeasureValued(samples=1))
    known = {tried[0].label: "reparametrization", tried[1].label: "reinforce (none)", tried[2].label: "measure-valued"}
    parts = []
    for k in np.linspace(*RANGES[cost], points).tolist():
        toy = Toy(cost, k)
        table = compare_gradients(
            toy.model, toy.family, objective=toy.objective, gradients=tried, repeats=repeats, seed=seed
        )
        # At sd = 1 the derivative in log sd is the one in sd.
        rows = [row | {"parameter": "sd" if "sd" in row["parameter"] else "mean"} for row in table.to_dicts()]
        parts += [
            row
            | {
                "cost": cost,
                "k": k,
                "exact": toy.gradient(row["parameter"]),
                "closed_form_variance": toy.closed_form_variance(known[row["estimator"]], row["parameter"]),
            }
            for row in rows
        ]
    return pl.DataFrame(parts)
