"""The priors of a regression by formula in words, on the coded scale and for one unit of the table's columns."""

from typing import NamedTuple

import numpy as np

from taut.models.stated import Stated
from taut.results.formula import FormulaFit

MOVED = {"Normal", "StudentT", "Cauchy", "Laplace"}
"""Distributions of which a multiple has a multiple of loc and of scale."""
STRETCHED = {"HalfNormal", "HalfCauchy"}
"""Distributions of which a positive multiple has a multiple of scale."""
A_SUM = "that of a sum of several"
"""What is said of a linear function of several unknowns that is not normal."""
OF_OTHERS = "no LKJ: these effects are sums of several"
"""What is said of correlations of effects that are sums."""


class PriorLine(NamedTuple):
    """One unknown.

    Attributes:
        name: Its name.
        coded: Its prior as stated.
        own: The same for one unit of the table's columns; "" where it is no other.
    """

    name: str
    coded: str
    own: str


def prior_lines(fit: FormulaFit) -> list[PriorLine]:
    """All priors: of coefficients, of the groups' sds and correlations, of the likelihood's own parameters."""
    return [*_of_coefficients(fit), *_of_groups(fit), *_of_own(fit)]


def _of_coefficients(fit: FormulaFit) -> list[PriorLine]:
    model, priors = fit.model, fit.model.prior.coefficients
    places, rows = np.flatnonzero(model.reported), fit.coefficients.raw[fit.coefficients.thresholds :]
    shown = [(model.coefficient_names[j], priors[j], row) for j, row in zip(places, rows, strict=True)]
    return [_line(name, prior.words, _combined(row, priors)) for name, prior, row in shown]


def _of_groups(fit: FormulaFit) -> list[PriorLine]:
    lines = []
    for group, scale in zip(fit.model.prior.groups, fit.design.group_raw_scales(), strict=True):
        for name, prior, row in zip(group.names, group.sds, scale.matrix, strict=False):
            others = row[row != 0]
            own = _multiple(prior, abs(float(others[0]))) if len(others) == 1 else A_SUM
            lines.append(_line(name, prior.words, own))
        if group.pairs:
            of = ", ".join(group.names[len(group.terms) :])
            mixed = np.count_nonzero(scale.matrix, axis=1).max() > 1
            lines.append(PriorLine(of, f"LKJ({group.concentration:g})", OF_OTHERS if mixed else ""))
    return lines


def _of_own(fit: FormulaFit) -> list[PriorLine]:
    lines, shown = [], fit.coefficients
    for p in fit.model.prior.own.parameters:
        words = Stated.of(p.prior, p.name).words
        if p.support.kind == "ordered":
            moved = np.count_nonzero(shown.raw[: shown.thresholds], axis=1).max(initial=0) > 1
            lines.append(PriorLine(", ".join(p.names), f"{words} each, in order", A_SUM if moved else ""))
        else:
            lines.append(PriorLine(", ".join(p.names), words, ""))
    return lines


def _line(name: str, coded: str, own: str) -> PriorLine:
    return PriorLine(name, coded, "" if own == coded else own)


def _combined(row: np.ndarray, priors: tuple[Stated, ...]) -> str:
    """The prior of a linear function of independent coefficients."""
    places = np.flatnonzero(row)
    if len(places) == 1:
        return _multiple(priors[places[0]], float(row[places[0]]))
    if any(priors[j].kind != "Normal" for j in places):
        return A_SUM
    mean = sum(float(row[j]) * priors[j].number("loc") for j in places)
    variance = sum((float(row[j]) * priors[j].number("scale")) ** 2 for j in places)
    return Stated("Normal", (("loc", mean), ("scale", variance**0.5))).words


def _multiple(prior: Stated, factor: float) -> str:
    """The prior of a multiple."""
    if factor == 1:
        return prior.words
    if prior.kind not in MOVED and not (prior.kind in STRETCHED and factor > 0):
        return f"{factor:.4g} \N{MULTIPLICATION SIGN} {prior.words}"
    moved = {"loc": factor, "scale": abs(factor)}
    return Stated(prior.kind, tuple((name, x * moved.get(name, 1.0)) for name, x in prior.numbers)).words
