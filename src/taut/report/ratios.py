"""Coefficients on the response scale: the odds, rate or mean for one unit more, over those without it."""

import dataclasses

import numpy as np

from taut.data.formulas.terms import INTERCEPT
from taut.report.posterior_table import Entry
from taut.results.formula import FormulaFit


@dataclasses.dataclass(frozen=True)
class Ratio:
    """e to the power of a coefficient.

    Attributes:
        name: Of the coefficient.
        ratio: Of its posterior mean, which is the median where the posterior is symmetric.
        lower: Lower end of the 95 % interval.
        upper: Upper end.
    """

    name: str
    ratio: float
    lower: float
    upper: float


def ratios(fit: FormulaFit, entries: list[Entry]) -> list[Ratio]:
    """The ratio of each coefficient but intercepts and thresholds, where the likelihood has a word for it.

    Args:
        fit: The fit.
        entries: Its coefficients for one unit of the table's columns.
    """
    if not fit.model.likelihood.ratio:
        return []
    apart = alone(fit)
    with np.errstate(over="ignore"):
        return [Ratio(e.name, *map(float, np.exp([e.mean, e.lower, e.upper]))) for e in entries if e.name not in apart]


def alone(fit: FormulaFit) -> set[str]:
    """Names of the coefficients that compare nothing: intercepts, and thresholds in their place."""
    model = fit.model
    labels = model.labels or ("",)
    places = [(label, column) for label in labels for column in model.columns]
    named = zip(model.coefficient_names, places, strict=True)
    return {name for name, (_, column) in named if column == INTERCEPT} | set(
        fit.coefficients.names[: fit.coefficients.thresholds]
    )
