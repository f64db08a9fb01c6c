"""The response of a formula as a likelihood sees it, and the likelihood where none was named."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from taut.data.formulas.response import ResponseRows
from taut.data.tables.labels import Label, Labels
from taut.data.tables.levels import Levels
from taut.data.wording import quoted
from taut.errors import ArgumentError, DataError
from taut.models.likelihoods import REGRESSIONS, Likelihood

FEW = 20
"""Most different whole numbers that are remarked upon as a count."""


class Observed(NamedTuple):
    """A response with its likelihood.

    Attributes:
        likelihood: p(y given eta).
        y: `[n]`, or several arrays, as the likelihood takes them.
        labels: What numbers stand for that were labels; None for numbers.
        spread: Population sd of y where the predictor is in its unit, else 1.
        centre: Mean of y there, else 0.
        why: Why it is this likelihood; "given" where it was named.
        remark: What is to be said of the choice, or "".
    """

    likelihood: Likelihood
    y: Any
    labels: Labels | Levels | None
    spread: float
    centre: float
    why: str
    remark: str = ""


def observed(
    response: ResponseRows,
    asked: Likelihood | str | None,
    positive: Label | None = None,
    weights: np.ndarray | None = None,
) -> Observed:
    """Read a response for a likelihood.

    Args:
        response: The rows' response, without missing values.
        asked: The likelihood, by its name or as it is; None finds one.
        positive: The label that counts as 1.
        weights: `[n]`, how often rows count; None for once each.

    Raises:
        DataError: a response that is not for the likelihood.
        ArgumentError: `positive` for a likelihood without labels.
    """
    name, why, remark = (asked, "given", "") if asked is not None else found(response)
    kind = type(name) if isinstance(name, Likelihood) else REGRESSIONS[name]
    success = response.success if positive is None else positive
    values, labels = _values(response, kind, success)
    likelihood = name if isinstance(name, Likelihood) else _made(kind, labels)
    likelihood.check(values)
    spread, centre = 1.0, 0.0
    if likelihood.in_units_of_y:
        centre = float(np.average(values, weights=weights))
        spread = float(np.sqrt(np.average((values - centre) ** 2, weights=weights)))
        if not spread > 0:
            raise DataError(f"The response '{response.name}' is always {values[0]:g}: it must vary.")
        if not isinstance(name, Likelihood):
            likelihood = likelihood.with_parameters({"sigma": spread})
    return Observed(likelihood, values, labels, spread, centre, why, remark)


def found(response: ResponseRows) -> tuple[str, str, str]:
    """Name of the likelihood that a response is for, why, and a remark on it or ""."""
    values, name = response.values, response.name
    assert values is not None
    if response.trials is not None:
        return "binomial", "the response is successes / trials", ""
    if response.event is not None:
        return "weibull", "the response is a time that may be censored", ""
    if response.success is not None:
        return "bernoulli", f"the response asks for a level of '{name}'", ""
    different = values.n_unique()
    if values.dtype == pl.Boolean or different == 2:
        return "bernoulli", f"'{name}' holds two values", ""
    if not values.dtype.is_numeric():
        return "multinomial", f"'{name}' holds {different} labels", ""
    numbers = values.cast(pl.Float64).to_numpy()
    remark = ""
    if np.all((numbers >= 0) & (numbers == np.floor(numbers))):
        other = "ordinal for grades, " if different <= FEW else ""
        remark = f"'{name}' holds whole numbers from 0 on: likelihood='poisson' is for counts, {other}if it is one."
    return "gaussian", f"'{name}' holds numbers", remark


def _made(kind: type[Likelihood], labels: Labels | Levels | None) -> Likelihood:
    """A likelihood by its class; one of levels needs to know how many there are."""
    make: Any = kind
    return make(len(labels.levels)) if isinstance(labels, Levels) else make()


def _values(response: ResponseRows, kind: type[Likelihood], success: Label | None) -> tuple[Any, Any]:
    """y, and its labels."""
    values, name = response.values, response.name
    if values is None:
        raise DataError(f"The table has no response '{name}'.")
    others = {"trials": response.trials, "event": response.event}
    wanted = kind.parts[1:]
    for part, array in others.items():
        if array is not None and part not in wanted:
            what = "successes / trials" if part == "trials" else "a time that may be censored"
            raise DataError(f"The response '{name}' is {what}, which the {kind.name} likelihood does not take.")
    if wanted:
        return (_numbers(values, kind), *(_other(response, part, others[part], kind) for part in wanted)), None
    if kind.target == "labels":
        labels = Labels.learn(values, positive=success)
        return labels.encode(values), labels
    if success is not None:
        raise ArgumentError(f"positive={success!r} is for a likelihood of two labels, and this is {kind.name}.")
    if kind.target in ("any labels", "ordered labels"):
        levels = Levels.learn(values)
        return levels.encode(values), levels
    return _numbers(values, kind), None


def _other(response: ResponseRows, part: str, array: np.ndarray | None, kind: type[Likelihood]) -> np.ndarray:
    """The second part of a response: trials, or whether the event was seen."""
    if array is not None:
        return np.asarray(array, float)
    if part == "event":  # all were seen
        assert response.values is not None
        return np.ones(len(response.values))
    raise DataError(
        f"The {kind.name} likelihood needs successes and trials: write the response as 'successes / trials', with a "
        "column or a number for the trials."
    )


def _numbers(values: pl.Series, kind: type[Likelihood]) -> np.ndarray:
    """Numbers, true and false as 1 and 0.

    Raises:
        DataError: text.
    """
    as_text = isinstance(values.dtype, (pl.Categorical, pl.Enum))
    numbers = (values.cast(pl.String) if as_text else values).cast(pl.Float64, strict=False)
    wrong = numbers.is_null() & values.is_not_null()
    if wrong.any() or values.dtype.is_temporal():
        held = quoted([str(x) for x in values.unique().sort().head(4).to_list()], 4)
        raise DataError(
            f"The {kind.name} likelihood is for {kind.wants}, and the response '{values.name}' holds {held}. For "
            "labels there are the likelihoods bernoulli (two), multinomial and ordinal."
        )
    return numbers.to_numpy()
