"""The posterior table, in the order in which it is shown everywhere."""

import dataclasses

from scipy.special import ndtri

LEVEL = 0.95
"""Probability of every interval shown."""
DOUBTFUL = ("suspect", "unusable")
"""What the verdict says of an unknown that cannot be quoted."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the table: an unknown and its marginal posterior.

    Attributes:
        name: of the unknown.
        mean: posterior mean (a coefficient's: for one unit of the original column).
        sd: posterior standard deviation.
        lower: lower end of the 95 % interval.
        upper: upper end.
        p_positive: P(> 0); None where the support settles the sign.
        mean_standardised: of a coefficient, for one standard deviation of its column; None for other unknowns.
        sd_standardised: likewise.
        ends_standardised: ends of the 95 % interval likewise; None takes them from mean and sd, as of a normal.
        trust: what the verdict says of the unknown; None where it says nothing.
    """

    name: str
    mean: float
    sd: float
    lower: float
    upper: float
    p_positive: float | None
    mean_standardised: float | None = None
    sd_standardised: float | None = None
    ends_standardised: tuple[float, float] | None = None
    trust: str | None = None

    @property
    def doubtful(self) -> bool:
        """Whether it cannot be quoted."""
        return self.trust in DOUBTFUL

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
        if self.ends_standardised is not None:
            return self.mean_standardised, *self.ends_standardised
        half = float(ndtri(0.5 + 0.5 * LEVEL)) * self.sd_standardised
        return self.mean_standardised, self.mean_standardised - half, self.mean_standardised + half


@dataclasses.dataclass(frozen=True)
class Table:
    """The unknowns of a fit in the order of the report.

    Attributes:
        apart: Intercepts, and thresholds in their place, which cannot be compared with the others.
        entries: A regression's other coefficients; a log density's unknowns in their own order.
        regression: Whether the entries are on one scale, so that they can be compared.
        standardised: Whether that scale is another one than that of the columns.
    """

    apart: list[Entry]
    entries: list[Entry]
    regression: bool
    standardised: bool = False

    @property
    def all(self) -> list[Entry]:
        """Those apart first."""
        return [*self.apart, *self.entries]

    @property
    def doubts(self) -> bool:
        """Whether some of the unknowns cannot be quoted: where none can, the verdict has said so."""
        doubtful = [entry.doubtful for entry in self.all]
        return any(doubtful) and not all(doubtful)
