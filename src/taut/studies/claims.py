"""The two claims that are made of a gradient estimator, measured: unbiased, and consistent."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from taut.core.arguments import plain
from taut.errors import ArgumentError
from taut.families import Family
from taut.gradients import Gradient
from taut.gradients.labels import labels
from taut.models import Model
from taut.objectives import Objective
from taut.studies.distances import MEANS, Errors, errors_of
from taut.studies.setup import GradientStudy

if TYPE_CHECKING:
    import polars as pl

FALSE_ALARM = 1e-4
"""Probability that a claim which an estimator keeps is said not to be kept."""
SLOPE_TOLERANCE = 0.03
"""Distance from -1/2 that every slope is allowed, since few means know their own spread badly."""
ROUNDING = 0.6
"""An error below eps to this power, as a share of the gradient's length, is rounding: 4e-10 in double precision."""


class Claims(NamedTuple):
    """What was measured of the two claims, as three Polars tables.

    Attributes:
        table: A row for each estimator and place: `estimator`, `declared_unbiased` (what its author says of it),
            `point` (the number of the place), `gradients` (number measured), `parameters` (number compared), `exact`
            (length of the exact gradient), `bias` (distance of the mean gradient from it), `worst` (the largest error
            of a parameter's mean, in standard errors), `p_value` (of that error, corrected for all parameters,
            estimators and places that were looked at), `slope` (of the logarithm of the error against that of the
            number of gradients; null without noise), `slope_error` (its standard error), `seems_unbiased`,
            `seems_consistent`.
        means: A row for each estimator, place and parameter: `estimator`, `point`, `parameter` (its number), `error`
            (of the mean over all gradients), `standard_error` (of that mean).
        errors: A row for each estimator, place and size of a mean: `estimator`, `point`, `gradients` (averaged),
            `draws`, `error` (root mean square distance from the exact gradient).
    """

    table: "pl.DataFrame"
    means: "pl.DataFrame"
    errors: "pl.DataFrame"

    def __repr__(self) -> str:
        return f"Claims\n{self.table!r}"

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def gradient_claims(
    model: Model,
    family: str | type[Family] | Family | None = None,
    data: Any = None,
    *,
    gradients: str | Gradient | Iterable[str | type[Gradient] | Gradient] | None = None,
    at: Family | Sequence[Family] | None = None,
    repeats: int = 4096,
    objective: str | Objective | None = None,
    exact: Any = None,
    batch_size: int | None = None,
    seed: int = 0,
    dtype: Any = None,
) -> Claims:
    r"""Whether estimators are unbiased and consistent, measured against the exact gradient.

    *Unbiased*: the mean of all gradients is off the exact one by no more than chance allows, in every parameter. With P
    parameters and R estimators and places, the largest of an estimator's errors in standard errors, z, has the p-value
    \(2 P R\, \Phi(-z)\) at most.

    *Consistent*: the root mean square distance of a mean of n independent gradients from the exact one is

    .. math:: \sqrt{|\mathrm{bias}|^2 + \mathrm{tr\,Var} / n},

    a line of slope -1/2 on logarithmic axes for an unbiased estimator, and level where the bias is what is left.

    Args:
        model: The model.
        family: The family, by name, class or instance. An instance is also the place, unless `at` is given.
        data: The data, as `taut.fit` takes them; None for a joint log density.
        gradients: The estimators, by name, class or instance; None takes all that go with the other parts.
        at: A member of the family, or a list of members.
        repeats: Number of gradients of each estimator at each place, at least 64; at least half of them are measured.
        objective: The objective, or a form such as "iwae=50"; None for the ELBO.
        exact: The exact gradient, as a member of the family that has derivatives in place of parameters. None computes
            it by the exact estimator or by enumeration.
        batch_size: Number of rows drawn at random for each gradient; None for all rows.
        seed: Seed of all draws.
        dtype: The dtype of the computation; None for "float64", or "float32" where each example has its own z.

    Raises:
        ArgumentError: no exact gradient is known, or there are fewer than 64 repeats.
        PairingError: an estimator that was named does not go with the other parts.

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

    repeats = plain(repeats)
    if not isinstance(repeats, int) or repeats < 2 * MEANS:
        raise ArgumentError(f"repeats={repeats!r}: a slope needs a whole number of at least {2 * MEANS} gradients.")
    study = GradientStudy(
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
    table: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    places = list(study.places())
    for point, place in enumerate(places):
        truth = exact if exact is not None else study.exact(place)
        if truth is None:
            raise ArgumentError(
                f"No exact gradient is known of the {place.objective.name} of a {model.name} with the "
                f"{place.family.name} family: give it as exact=, or take a model or a family small enough to sum over."
            )
        problems = list(study.estimators(place))
        beside = len(problems) * len(places)
        for problem, label in zip(problems, labels([p.gradient for p in problems]), strict=True):
            seen = errors_of(problem, study.source, truth, repeats, seed)
            where = {"estimator": label, "point": point}
            table.append(where | {"declared_unbiased": problem.gradient.unbiased} | both_claims(seen, truth, beside))
            means += [
                where | {"parameter": i, "error": float(e), "standard_error": float(se)}
                for i, (e, se) in enumerate(zip(seen.mean, seen.standard_error, strict=True))
            ]
            errors += [
                where | {"gradients": 2**i, "draws": 2**i * problem.gradient.samples, "error": float(error)}
                for i, error in enumerate(np.sqrt(seen.squared.mean(axis=0)))
            ]
    return Claims(*map(pl.DataFrame, (table, means, errors)))


def both_claims(seen: Errors, exact: Any, beside: int = 1) -> dict[str, Any]:
    """Whether the distances keep both claims, with the figures behind it: the columns of `Claims.table`.

    Args:
        seen: The distances of the gradients from the exact one.
        exact: The exact gradient, a pytree.
        beside: Number of estimators and places that are looked at together, this one included.
    """
    from scipy.stats import norm

    M, sizes = seen.squared.shape
    n, P = M * 2 ** (sizes - 1), seen.mean.size
    length = float(np.sqrt(sum(float(np.sum(np.square(leaf))) for leaf in jax.tree.leaves(exact))))
    rounding = np.finfo(seen.mean.dtype).eps ** ROUNDING * max(length, 1.0)
    off = np.abs(seen.mean)
    z = np.where(off <= rounding, 0.0, off / np.maximum(seen.standard_error, np.finfo(float).tiny))
    worst = float(z.max())
    p_value = corrected_p_value(worst, P * beside)
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


def corrected_p_value(worst: float, looked_at: int) -> float:
    """The p-value of the largest of several errors in standard errors, by Bonferroni's correction.

    Args:
        worst: The largest error, in standard errors.
        looked_at: Number of errors that it is the largest of.

    Example:
        >>> round(corrected_p_value(2.6, 1), 4), round(corrected_p_value(2.6, 62), 2)
        (0.0093, 0.58)
    """
    from scipy.stats import norm

    return float(min(1.0, 2 * looked_at * norm.sf(worst)))


def _slope(squared: np.ndarray) -> tuple[float, float]:
    """The least-squares slope of log error against log size, and its standard error by a jackknife over the groups."""
    M, sizes = squared.shape

    def of(mean):
        return np.polyfit(np.log(2.0) * np.arange(sizes), 0.5 * np.log(mean), 1)[0]

    without = [of(mean) for mean in (squared.sum(axis=0) - squared) / (M - 1)]
    return float(of(squared.mean(axis=0))), float(np.sqrt((M - 1) * np.var(without)))
