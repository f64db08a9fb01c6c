"""The posterior table, in the order in which it is shown everywhere."""

import dataclasses
from typing import Any

from scipy.special import ndtri

LEVEL = 0.95
"""Probability of every interval shown."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the table: an unknown and its marginal posterior.

    Attributes:
        name: of the unknown.
        mean: posterior mean (a coefficient's: for one unit of the original column).
        sd: posterior standard deviation.
        lower: lower end of the 95 % interval.
        upper: upper end.
        p_positive: P(> 0).
        mean_standardised: of a coefficient, for one standard deviation of its column; None for other unknowns.
        sd_standardised: likewise.
    """

    name: str
    mean: float
    sd: float
    lower: float
    upper: float
    p_positive: float
    mean_standardised: float | None = None
    sd_standardised: float | None = None

    @property
    def strength(self) -> float:
        """How many posterior sd's the mean is away from zero, on the scale on which columns can be compared."""
        mean, sd = self.standardised[0], self.sd if self.sd_standardised is None else self.sd_standardised
        return abs(mean) / sd if sd > 0 else float("inf")

    @property
    def standardised(self) -> tuple[float, float, float]:
        """Mean and ends of the interval on that scale."""
        if self.mean_standardised is None or self.sd_standardised is None:
            return self.mean, self.lower, self.upper
        half = float(ndtri(0.5 + 0.5 * LEVEL)) * self.sd_standardised
        return self.mean_standardised, self.mean_standardised - half, self.mean_standardised + half


@dataclasses.dataclass(frozen=True)
class Table:
    """The unknowns of a fit in the order of the report.

    Attributes:
        intercept: apart from the others, which it cannot be compared with; None if there is none.
        entries: a regression's coefficients, strongest first; a log density's unknowns in their own order.
        regression: whether there is a standardised scale.
    """

    intercept: Entry | None
    entries: list[Entry]
    regression: bool

    @property
    def all(self) -> list[Entry]:
        """Intercept first."""
        return [self.intercept, *self.entries] if self.intercept else self.entries


def posterior_table(fit: Any, facts: dict[str, Any]) -> Table:
    """The table of a fit.

    Args:
        fit: the fit.
        facts: its `to_json()`.
    """
    entries = [Entry(**coefficient) for coefficient in facts["coefficients"]]
    if fit.design is None:
        return Table(None, entries, regression=False)
    intercept = entries.pop(0) if fit.design.intercept else None
    return Table(intercept, sorted(entries, key=lambda e: -e.strength), regression=True)
