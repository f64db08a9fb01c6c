"""The priors of a formula's unknowns: the stated ones, and those that were given by name."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from taut.core.arguments import plain
from taut.core.names import brief, find, unknown
from taut.data.formulas.design import FormulaDesign
from taut.data.formulas.groups import GroupRows
from taut.data.formulas.observed import Observed
from taut.data.formulas.terms import INTERCEPT
from taut.data.wording import quoted, suggestion
from taut.errors import ArgumentError
from taut.models.given_prior import NAMED
from taut.models.hierarchy import GroupTerm, Hierarchy
from taut.models.horseshoe import Horseshoe, HorseshoeHierarchy
from taut.models.own_parameters import own_parameters
from taut.models.prior import Prior
from taut.models.stated import Stated, half_normal, normal

WIDTH = 2.5
"""Sd of the prior of an intercept or a coefficient, in units of the response."""
CONCENTRATION = 2.0
"""Eta of the LKJ prior of correlations."""
THRESHOLD = 5.0
"""Sd of the prior of a threshold."""


def hierarchy(
    design: FormulaDesign,
    columns: Sequence[str],
    groups: Sequence[GroupRows],
    seen: Observed,
    prior: Any,
    own: Mapping[str, Stated] = MappingProxyType({}),
) -> Hierarchy:
    """The prior of everything that is unknown.

    Args:
        design: What was learned of the formula.
        columns: Names of the columns of X.
        groups: Its group terms.
        seen: The response with its likelihood.
        prior: What was given: None, one prior for all coefficients, or priors by name.
        own: Priors of the likelihood's parameters in place of the stated ones, unless others were given.

    Raises:
        ArgumentError: a name that is none, a prior of another support.
    """
    given = _by_name(prior, columns)
    parameters = own_parameters(seen.likelihood, seen.spread)
    mine = dict(own) | {
        name: Stated.of(given.pop(name), name) for name in [p.name for p in parameters.parameters] if name in given
    }
    parameters = own_parameters(seen.likelihood, seen.spread, tuple(mine.items()))
    scales = _scales(groups, given, seen.spread)
    stated = {name: _stated(name, seen, mine) for name in columns}
    for name, value in given.items():
        for place in _places(design, columns, groups, parameters.names, name):
            stated[columns[place]] = _of_reals(name, Stated.of(value, name))
    predictors = seen.likelihood.outputs
    coefficients = tuple(stated[name] for name in columns) * predictors
    if not isinstance(prior, str | Horseshoe):
        return Hierarchy(coefficients, scales, parameters)
    places = tuple(j for j, name in enumerate(tuple(columns) * predictors) if name != INTERCEPT)
    if not places:
        raise ArgumentError(f"prior={prior!r} is for the scale of coefficients, and there is only an intercept.")
    if isinstance(prior, str):
        return Hierarchy(coefficients, scales, parameters, places)
    coefficients = tuple(normal(0.0, 1.0) if j in set(places) else p for j, p in enumerate(coefficients))
    return HorseshoeHierarchy(coefficients, scales, parameters, (), prior, places, seen.spread)


def _by_name(prior: Any, columns: Sequence[str]) -> dict[str, Any]:
    """Priors by name; one for all coefficients is not that of the intercept."""
    if prior is None:
        return {}
    if isinstance(prior, str):
        if find(prior, NAMED) is None:
            raise ArgumentError(f"prior={unknown(prior, NAMED)}; or a distribution, or priors by name.")
        return {}
    if isinstance(prior, Horseshoe):
        return {}
    if isinstance(prior, Mapping):
        if wrong := [name for name in prior if not isinstance(name, str)]:
            raise ArgumentError(f"prior: its keys are names of terms, and {brief(wrong[0])} is none.")
        return dict(prior)
    if isinstance(prior, Prior) or hasattr(prior, "log_prob"):
        return {name: prior for name in columns if name != INTERCEPT}
    raise ArgumentError(
        f"prior={brief(prior)}: one Normal for all coefficients, 'empirical', Horseshoe(), or priors by name, such as "
        "{'age': Normal(0, 1), 'district': HalfNormal(1)}."
    )


def _stated(name: str, seen: Observed, own: Mapping[str, Stated]) -> Stated:
    """The default of a coefficient; the intercept of thresholds is minus the first of them."""
    if name != INTERCEPT:
        return normal(0.0, WIDTH * seen.spread)
    if not seen.likelihood.intercept:
        threshold = own.get("threshold", normal(0.0, THRESHOLD))
        return normal(-threshold.number("loc"), threshold.number("scale"))
    return normal(seen.centre, WIDTH * seen.spread)


def _scales(groups: Sequence[GroupRows], given: dict[str, Any], spread: float) -> tuple[GroupTerm, ...]:
    """The group terms with the priors of their sds and correlations; those found are taken out of `given`."""
    found, used = [], set()
    for group in groups:
        concentration = CONCENTRATION
        if f"cor({group.name})" in given:
            concentration = plain(given[f"cor({group.name})"])
            used.add(f"cor({group.name})")
            if not (isinstance(concentration, (int, float)) and np.isfinite(concentration) and concentration > 0):
                raise ArgumentError(
                    f"The prior of 'cor({group.name})' is {brief(concentration)}: a positive number is needed, the eta "
                    "of the LKJ prior; 1 is flat, more is nearer to no correlation."
                )
        sds = []
        for term in group.terms:
            names = [f"sd({group.name}:{term})", f"sd({group.name})", group.name]
            name = next((n for n in names if n in given), None)
            if name is None:
                sds.append(half_normal(spread))
                continue
            used.add(name)
            sds.append(_of_positive(name, Stated.of(given[name], name)))
        found.append(GroupTerm(group.name, group.levels, group.terms, tuple(sds), float(concentration)))
    for name in used:
        del given[name]
    return tuple(found)


def _of_positive(name: str, prior: Stated) -> Stated:
    if not prior.positive:
        raise ArgumentError(
            f"The prior of '{name}' is {prior.words}, and an sd is positive: give HalfNormal(1), Exponential(1), ..."
        )
    return prior


def _of_reals(name: str, prior: Stated) -> Stated:
    if prior.positive:
        raise ArgumentError(
            f"The prior of '{name}' is {prior.words}, over positive numbers, and a coefficient is any real number: "
            "give Normal(0, 1), StudentT(4, 0, 1), ..."
        )
    return prior


def _places(
    design: FormulaDesign, columns: Sequence[str], groups: Sequence[GroupRows], own: Sequence[str], name: str
) -> tuple[int, ...]:
    """The columns that a name means.

    Raises:
        ArgumentError: it is none of anything that has a prior.
    """
    if name in columns:
        return (list(columns).index(name),)
    try:
        return tuple(list(columns).index(design.names[place]) for place in design.places(name))
    except ArgumentError:
        known = [*columns, *dict.fromkeys(group.name for group in groups), *own]
        raise ArgumentError(
            f"prior: nothing is called '{name}'.{suggestion(name, known)} There are {quoted(known, 20)}."
        ) from None
