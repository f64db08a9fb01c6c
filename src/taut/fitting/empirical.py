"""A regression whose prior has a scale that the data choose: the scale is found before the fit, and named."""

import dataclasses
from typing import Any

import equinox as eqx

from taut.choosing.choose import Choice
from taut.core.cost import Ledger
from taut.data.source import Source
from taut.models.empirical import INTERCEPT_SCALE, Empirical


def with_best_prior(choice: Choice, source: Source, seed: int, ledger: Ledger) -> Choice:
    """The choice with the scale that the data choose, where the prior is empirical.

    Args:
        choice: The five sentences.
        source: The rows.
        seed: Seed of the fit.
        ledger: Where the cost of the search is entered.

    Raises:
        PairingError: The model has no closed expectations.
    """
    model: Any = choice.problem.model
    if not isinstance(model.prior, Empirical) and not getattr(model.prior, "empirical", ()):
        return choice
    from taut.fitting.scale_search import OfFormula, OfTable, exact  # with two algorithms, which few fits need

    if isinstance(model.prior, Empirical):
        search = OfTable(exact(choice.problem), source, seed, ledger)
        apart = f", the intercept apart with a scale of {INTERCEPT_SCALE:g}" if model.intercept else ""
    else:
        search, apart = OfFormula(choice, source, seed, ledger), ", the intercept apart"
    scale, found = search.best()
    reason = f"empirical: Normal(0, {scale:.4g}) on the coefficients has {found}{apart}"
    problem = eqx.tree_at(lambda p: p.model.prior, choice.problem, search.prior(scale))
    return dataclasses.replace(choice, problem=problem, reasons=choice.reasons | {"prior": reason})
