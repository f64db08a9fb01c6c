"""Gradient estimators side by side: mean, variance, time and evaluations of each, on a user's own problem."""

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut import precision
from taut.algorithms import StochasticGradient
from taut.choose import GRADIENTS, choose, named
from taut.data.source import Source, take
from taut.errors import ArgumentError
from taut.gradients import (
    Enumeration,
    Exact,
    Gradient,
    MeasureValued,
    NoControl,
    Problem,
    Reinforce,
    Reparametrization,
    admissible,
)
from taut.gradients.problem import estimate, statistics_like, trainable
from taut.inputs import rows_of
from taut.objectives.parse import parse_objective
from taut.trees import cast

WARM_UP = 100
"""Gradients that an estimator's memory sees before it is measured."""
LISTED = 1000
"""Most entries of a parameter that have a row each; a larger one (a network's weights) has one for its total."""


class Measured(NamedTuple):
    """One estimator at one place.

    Attributes:
        mean: of the gradient of the objective over the repeats, a pytree like the learned leaves.
        variance: of one gradient, likewise.
        seconds: for one gradient, compiled.
    """

    mean: Any
    variance: Any
    seconds: float


def compare(
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
        (of one gradient), `standard_error` (of the mean), `seconds` (for one gradient), `evaluations` (of the log
        density at one z, for one gradient of one unit). Gradients are of the objective, which goes up. A parameter of
        more than 1,000 entries has one row, whose variance is the sum over its entries.

    Raises:
        PairingError: an estimator that was named and does not go with the other parts.

    Example:
        >>> from taut.gradients.toys import Toy
        >>> toy = Toy("square", k=0.0)
        >>> table = compare(toy.model, toy.family, objective=toy.objective, gradients=["reparametrization"], repeats=10)
        >>> table.columns[:4]
        ['estimator', 'unbiased', 'point', 'parameter']

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020.
    """
    import polars as pl

    if not isinstance(repeats, int) or repeats < 2:
        raise ArgumentError(f"repeats={repeats!r}: a variance needs a whole number of at least 2.")
    if gradients is not None and isinstance(gradients, (str, Gradient)):
        gradients = [gradients]
    draws = None
    if isinstance(objective, str):
        objective, draws = parse_objective(objective, StochasticGradient().steps)
    rows, weights, _, _ = rows_of(model, data, None, "refuse", None, None)
    dtype = precision.resolve(dtype or ("float32" if model.local else "float64"))
    source = Source(rows, weights, batch_size, seed, dtype)
    chosen = lambda family, gradient: choose(  # noqa: E731
        model, rows, family=family, objective=objective, gradient=gradient, algorithm=None, steps=None,
        minibatch=batch_size is not None).problem  # fmt: skip
    places = [family] if at is None else list(at) if isinstance(at, (list, tuple)) else [at]
    table: list[dict[str, Any]] = []
    for point, place in enumerate(places):
        first = chosen(place, Reinforce(samples=draws or 2))  # which goes with everything
        if gradients is None:
            tried = admissible(first.objective, model, first.family, draws)
        else:
            tried = [_instance(g, draws) for g in gradients]
        exact = _exact(first, source, seed)
        for gradient in tried:
            problem = chosen(first.family, gradient)
            table += _rows(problem, measure(problem, source, repeats, seed), exact, source, point, repeats)
    schema = {"estimator": pl.String, "unbiased": pl.Boolean, "point": pl.Int64, "parameter": pl.String,
              **dict.fromkeys(("mean", "exact", "variance", "standard_error", "seconds"), pl.Float64),
              "evaluations": pl.Int64}  # fmt: skip
    return pl.DataFrame(table, schema=schema)


def _instance(gradient: Any, draws: int | None) -> Any:
    """A gradient that was named, with the draws that the objective fixes; others as they are."""
    part = named("gradient", gradient, GRADIENTS, Gradient)
    return part(samples=draws) if isinstance(part, type) and draws is not None else part


def measure(problem: Problem, source: Source, repeats: int, seed: int = 0) -> Measured:
    """Mean and variance of the problem's estimated gradient where its family stands.

    Args:
        problem: the four choices.
        source: the rows; where it has a batch size, each gradient sees so many of them at random.
        repeats: gradients, at least 2.
        seed: of all draws.
    """
    with precision.context(source.dtype):
        problem, parent = cast(problem, source.dtype), jax.device_put(source.parent)
        key = jax.random.key(seed)
        memory = problem.gradient.init(statistics_like(problem, source.dtype))
        size = source.batch_size or 0
        warm = WARM_UP if jax.tree.leaves(memory) else 1  # the first call also compiles
        run = lambda key, memory, n: jax.block_until_ready(  # noqa: E731
            _moments(problem, parent, source.size, size, key, memory, np.int32(n)))  # fmt: skip
        *_, memory = run(jax.random.fold_in(key, 1), memory, warm)
        begun = time.perf_counter()
        mean, squares, _ = run(jax.random.fold_in(key, 2), memory, repeats)
        seconds = (time.perf_counter() - begun) / repeats
        variance = jax.tree.map(lambda s: np.asarray(s) / (repeats - 1), squares)
        return Measured(jax.tree.map(np.asarray, mean), variance, seconds)


@eqx.filter_jit
def _moments(problem: Problem, parent: Any, total: int, size: int, key: Any, memory: Any, repeats: Any) -> Any:
    """Mean and summed squared deviations of `repeats` gradients (Welford's recursion), and the memory after them."""
    moving, fixed = eqx.partition(problem, trainable(problem))
    at_start = problem.objective.init()

    def gradient(key, memory):
        of_rows, of_noise = jax.random.split(key)
        places = jax.random.choice(of_rows, total, (size,), replace=False) if size else np.zeros(0, int)

        def value(moving):
            now = eqx.combine(moving, fixed)
            statistics, info = estimate(now, of_noise, take(parent, places), memory)
            return now.objective.value(statistics, at_start, 0), info

        slope, info = jax.grad(value, has_aux=True)(moving)
        return slope, problem.gradient.update(memory, info.observed)

    def body(i, carry):
        mean, squares, memory = carry
        slope, memory = gradient(jax.random.fold_in(key, i), memory)
        step = jax.tree.map(lambda s, m: s - m, slope, mean)
        mean = jax.tree.map(lambda m, d: m + d / (i + 1), mean, step)
        squares = jax.tree.map(lambda q, d, s, m: q + d * (s - m), squares, step, slope, mean)
        return mean, squares, memory

    zeros = jax.tree.map(jnp.zeros_like, moving)
    return jax.lax.fori_loop(0, repeats, body, (zeros, zeros, memory))


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

    from taut.gradients.toys import RANGES, Toy

    tried = (Reparametrization(samples=1), Reinforce(samples=1, control=NoControl()), MeasureValued(samples=1))
    known = {tried[0].label: "reparametrization", tried[1].label: "reinforce (none)", tried[2].label: "measure-valued"}
    parts = []
    for k in np.linspace(*RANGES[cost], points).tolist():
        toy = Toy(cost, k)
        table = compare(toy.model, toy.family, objective=toy.objective, gradients=tried, repeats=repeats, seed=seed)
        # At sd = 1 the derivative in log sd is the one in sd.
        rows = [row | {"parameter": "sd" if "sd" in row["parameter"] else "mean"} for row in table.to_dicts()]
        parts += [row | {"cost": cost, "k": k, "exact": toy.gradient(row["parameter"]),
                         "closed_form_variance": toy.closed_form_variance(known[row["estimator"]], row["parameter"])}
                  for row in rows]  # fmt: skip
    return pl.DataFrame(parts)
