"""Posterior predictive checks: those that a likelihood names."""

from collections.abc import Callable

from taut.diagnostics.predictive.bars import bars
from taut.diagnostics.predictive.calibration import calibration
from taut.diagnostics.predictive.check import Check
from taut.diagnostics.predictive.quantiles import quantiles
from taut.diagnostics.predictive.replicated import Replicated
from taut.diagnostics.predictive.residuals import residuals
from taut.diagnostics.predictive.statistics import statistics

CHECKS: dict[str, Callable[[Replicated], Check]] = {
    "bars": bars,
    "calibration": calibration,
    "quantiles": quantiles,
    "residuals": residuals,
    "statistics": statistics,
}


def predictive_checks(data: Replicated) -> dict[str, Check]:
    """The checks of a likelihood, by name, in its order."""
    return {name: CHECKS[name](data) for name in data.likelihood.checks}
