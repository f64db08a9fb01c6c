"""Posterior predictive checks: those that a likelihood names."""

from collections.abc import Callable
from typing import Any

from taut.diagnostics.predictive.bars import bars
from taut.diagnostics.predictive.calibration import calibration
from taut.diagnostics.predictive.check import Check
from taut.diagnostics.predictive.quantiles import quantiles
from taut.diagnostics.predictive.replicated import Replicated
from taut.diagnostics.predictive.residuals import residuals
from taut.diagnostics.predictive.statistics import statistics


class Checks(dict[str, Check]):
    """Checks by name, whose text is a sentence for each."""

    def __str__(self) -> str:
        return "\n".join(f"{name}: {check.sentence}" for name, check in self.items())

    def to_json(self) -> dict[str, Any]:
        """Every array and sentence as plain JSON."""
        return {name: check.to_json() for name, check in self.items()}


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
