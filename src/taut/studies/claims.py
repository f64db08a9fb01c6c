"""The two claims that are made of an estimator, measured: unbiased, and consistent."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from taut.choosing.choose import choose
from taut.choosing.meter import WARM_UP, measure
from taut.core import precision
from taut.core.trees import cast
from taut.data.given import Given
from taut.data.source import Source, take
from taut.errors import ArgumentError
from taut.gradients import Enumeration, Exact, Gradient, Reinforce, admissible
from taut.problem import Problem, estimate, statistics_like, trainable
from taut.results.kinds import fit_class

MEANS = 32
"""Least means of the largest size: their spread tells how well the slope is known."""
FALSE_ALARM = 1e-4
"""How often an estimator that is unbiased, and consistent, is said not to be so."""
SLOPE_TOLERANCE = 0.03
"""How far from -1/2 a slope may always be: few means know their own spread badly."""
ROUNDING = 0.6
"""An error below eps to this power, as a share of the gradient's length, is rounding: 4e-10 in double precision."""


class Claims(NamedTuple):
    """What was found.

    Attributes:
        table: a row for each estimator and place: `estimator`, `unbiased` (as it is labelled), `point`, `gradients`
            (measured), `parameters` (compared), `exact` (length of the exact gradient), `bias` (distance of the mean
            gradient from it), `worst` (the largest error of a mean, in standard errors), `p_value` (of that, for so
            many parameters), `slope` (of the logarithm of the error in that of the number of gradients; null without
            noise), `slope_error` (its standard error), `seems_unbiased`, `seems_consistent`.
        means: a row for each of these and parameter: `estimator`, `point`, `parameter` (its number), `error` (of the
            mean over all gradients), `standard_error`.
        errors: a row for each of these and size of a mean: `estimator`, `point`, `gradients` (averaged), `draws`,
            `error` (root mean square distance from the exact gradient).
    """

    table: Any
    means: Any
    errors: Any


class Errors(NamedTuple):
    """Distances of one estimator's gradients from the exact one, over M groups of N.

    Attributes:
        mean: `[P]`, of all gradients, less the exact one.
        standard_error: `[P]`, of that.
        squared: `[M, S]`, in each group the mean squared distance of means of 1, 2, 4, ..., N gradients.
    """

    mean: np.ndarray
    standard_error: np.ndarray
    squared: np.ndarray


def gradient_claims(
    model: Any,
    family: Any = None,
    data: Any = None,
    *,
    gradients: Iterable[Any] | None = None,
    at: Any = None,
    repeats: int = 4096,
    objective: Any = None,
    exact: Any = None,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: Any = None,
) -> Claims:
    r"""Whether estimators are unbiased and consistent, measured against the exact gradient.

    *Unbiased*: the mean of all gradients is off the exact one by no more than chance allows, in every parameter. With P
    parameters, the largest of their errors in standard errors, z, has the p-value \(2 P \Phi(-z)\) at most.

    *Consistent*: the root mean square distance of a mean of n independent gradients from the exact one is

    .. math:: \sqrt{|\mathrm{bias}|^2 + \mathrm{tr\,Var} / n},

    a line of slope -1/2 on logarithmic axes, and level where what is left is bias.

    Args:
        model: what is unknown.
        family: the shape of the posterior: a name, class or member; a member is also the place, unless `at` is given.
        data: as `taut.fit` takes them; None for a joint log density.
        gradients: estimators, by name or as instances; None takes all that go with the other parts.
        at: a member of the family, or a list of members.
        repeats: gradients of each estimator, at least 64.
        objective: what is maximised; the ELBO by default.
        exact: the exact gradient, as a member of the family that has derivatives in place of parameters. Left out, it
            is computed by the exact estimator or by enumeration.
        batch_size: rows drawn at random for each gradient; None for all.
        seed: of all draws.
        dtype: "float64" unless each example has its own z.

    Raises:
        ArgumentError: no exact gradient is known.
        PairingError: an estimator that was named and does not go with the other parts.

    Example:
        >>> from taut.families import MeanField
        >>> from taut.studies.toys import Toy
        >>> toy = Toy("square", k=0.0)  # d/dmean E[x^2] = 2 mean = 2, and d/dlog sd = 2 sd^2 = 2
        >>> found = gradient_claims(toy.model, toy.family, objective=toy.objective, exact=MeanField([2.0], [2.0]),
        ...                gradients=["reparametrization"], repeats=256)
        >>> found.table["seems_unbiased"].to_list(), found.errors["gradients"].to_list()
        ([True], [1, 2, 4, 8])

    Source: S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, Monte Carlo Gradient Estimation in Machine Learning, 2020
    (section 3: consistency, unbiasedness, minimum variance).
    """
    import polars as pl

    if not isinstance(repeats, int) or repeats < 2 * MEANS:
        raise ArgumentError(f"repeats={repeats!r}: a slope needs a whole number of at least {2 * MEANS} gradients.")
    read = fit_class(model).read(model, Given(data))
    rows, weights = read.rows, read.weights
    dtype = precision.resolve(dtype or ("float32" if model.local else "float64"))
    source = Source(rows, weights, batch_size, seed, dtype)

    def chosen(place: Any, gradient: Any) -> Problem:
        return choose(
            model,
            rows,
            family=place,
            objective=objective,
            gradient=gradient,
            algorithm=None,
            steps=None,
            minibatch=batch_size is not None,
        ).problem

    places = [family] if at is None else list(at) if isinstance(at, (list, tuple)) else [at]
    table: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for point, place in enumerate(places):
        first = chosen(place, Reinforce())  # which goes with everything
        truth = exact if exact is not None else _exact(first, Source(rows, weights, None, seed, dtype))
        named = [gradients] if isinstance(gradients, (str, Gradient)) else gradients
        for gradient in admissible(first.objective, model, first.family) if named is None else named:
            problem = chosen(first.family, gradient)
            seen = errors_of(problem, source, truth, repeats, seed)
            where = {"estimator": problem.gradient.label, "point": point}
            table.append(where | {"unbiased": problem.gradient.unbiased} | verdict(seen, truth))
            means += [
                where | {"parameter": i, "error": float(e), "standard_error": float(se)}
                for i, (e, se) in enumerate(zip(seen.mean, seen.standard_error, strict=True))
            ]
            errors += [
                where | {"gradients": 2**i, "draws": 2**i * problem.gradient.samples, "error": float(error)}
                for i, error in enumerate(np.sqrt(seen.squared.mean(axis=0)))
            ]
    return Claims(*map(pl.DataFrame, (table, means, errors)))


def _exact(problem: Problem, source: Source) -> Any:
    """The gradient without noise on all rows."""
    for gradient in (Exact(), Enumeration()):
        if gradient.supports(problem.objective, problem.model, problem.family) is None:
            parts = Problem(problem.model, problem.family, problem.objective, gradient)
            return measure(parts, source, 2).mean
    raise ArgumentError(
        f"No exact gradient is known of the {problem.objective.name} of a {problem.model.name} with the "
        f"{problem.family.name} family: give it as exact=, or take a model or a family small enough to sum over."
    )


def errors_of(problem: Problem, source: Source, exact: Any, repeats: int, seed: int = 0) -> Errors:
    """The distances of at least half of `repeats` gradients from the exact one, where the problem's family stands."""
    N = 2 ** int(np.log2(repeats // MEANS))
    with precision.context(source.dtype):
        problem, parent = cast(problem, source.dtype), jax.device_put(source.parent)
        truth = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(exact)]).astype(source.dtype)
        memory = problem.gradient.init(statistics_like(problem, source.dtype))

        def run(memory, M, N, stream):
            return _errors(
                problem,
                parent,
                source.size,
                source.batch_size or 0,
                jax.random.fold_in(jax.random.key(seed), stream),
                memory,
                truth,
                M,
                N,
            )

        if jax.tree.leaves(memory):
            *_, memory = run(memory, -(-WARM_UP // N), N, 1)
        M = repeats // N
        total, squares, squared, _ = (np.asarray(x) if i < 3 else x for i, x in enumerate(run(memory, M, N, 2)))
    n = M * N
    variance = np.maximum(squares - total**2 / n, 0) / (n - 1)
    return Errors(total / n, np.sqrt(variance / n), squared)


@eqx.filter_jit
def _errors(problem: Problem, parent: Any, total: int, size: int, key: Any, memory: Any, exact: Any, M: int, N: int):
    """Sum and sum of squares of gradient minus exact, the mean squared distances of means, and the memory after all."""
    moving, fixed = eqx.partition(problem, trainable(problem))
    at_start = problem.objective.init()

    def gradient(memory, i):
        of_rows, of_noise = jax.random.split(jax.random.fold_in(key, i))
        places = jax.random.choice(of_rows, total, (size,), replace=False) if size else np.zeros(0, int)

        def value(moving):
            now = eqx.combine(moving, fixed)
            statistics, info = estimate(now, of_noise, take(parent, places), memory)
            return now.objective.value(statistics, at_start, 0), info

        slope, info = jax.grad(value, has_aux=True)(moving)
        return problem.gradient.update(memory, info.observed), ravel_pytree(slope)[0] - exact

    def group(carry, first):
        total, squares, memory = carry
        memory, off = jax.lax.scan(gradient, memory, first + jnp.arange(N))  # [N, P]
        squared, means = [], off
        while True:
            squared.append(jnp.mean(jnp.sum(means**2, axis=1)))
            if len(means) == 1:
                break
            means = (means[::2] + means[1::2]) / 2
        return (total + off.sum(axis=0), squares + (off**2).sum(axis=0), memory), jnp.stack(squared)

    zeros = jnp.zeros_like(exact)
    (total_off, squares, memory), squared = jax.lax.scan(group, (zeros, zeros, memory), N * jnp.arange(M))
    return total_off, squares, squared, memory


def verdict(seen: Errors, exact: Any) -> dict[str, Any]:
    """Both claims from the distances: the numbers of `Claims.table`."""
    from scipy.stats import norm

    M, sizes = seen.squared.shape
    n, P = M * 2 ** (sizes - 1), seen.mean.size
    length = float(np.sqrt(sum(float(np.sum(np.square(leaf))) for leaf in jax.tree.leaves(exact))))
    rounding = np.finfo(seen.mean.dtype).eps ** ROUNDING * max(length, 1.0)
    off = np.abs(seen.mean)
    z = np.where(off <= rounding, 0.0, off / np.maximum(seen.standard_error, np.finfo(float).tiny))
    worst = float(z.max())
    p_value = float(min(1.0, 2 * P * norm.sf(worst)))
    common = {
        "gradients": n,
        "parameters": P,
        "exact": length,
        "bias": float(np.linalg.norm(seen.mean)),
        "worst": worst,
        "p_value": p_value,
        "seems_unbiased": p_value >= FALSE_ALARM,
    }
    if np.sqrt(seen.squared.mean()) <= rounding:
        return common | {"slope": None, "slope_error": None, "seems_consistent": True}
    slope, slope_error = _slope(seen.squared)
    allowed = SLOPE_TOLERANCE - norm.ppf(FALSE_ALARM / 2) * slope_error
    return common | {"slope": slope, "slope_error": slope_error, "seems_consistent": bool(abs(slope + 0.5) <= allowed)}


def _slope(squared: np.ndarray) -> tuple[float, float]:
    """The least-squares slope of log error in log size, and its standard error by a jackknife over the groups."""
    M, sizes = squared.shape

    def of(mean):
        return np.polyfit(np.log(2.0) * np.arange(sizes), 0.5 * np.log(mean), 1)[0]

    without = [of(mean) for mean in (squared.sum(axis=0) - squared) / (M - 1)]
    return float(of(squared.mean(axis=0))), float(np.sqrt((M - 1) * np.var(without)))
