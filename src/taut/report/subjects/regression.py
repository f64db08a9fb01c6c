"""A regression: coefficients of a table's columns, and predictions of its rows."""

import dataclasses

from taut.report.evidence import Evidence, has_probabilities, named
from taut.report.posterior_table import Table
from taut.report.subjects.base import refuse_features
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.words import numbers as words
from taut.results.regression import RegressionFit


@dataclasses.dataclass(frozen=True)
class RegressionSubject(PosteriorSubject[RegressionFit]):
    """The fit of a regression.

    Attributes:
        evidence: What is known of the data where the regression predicts probabilities; None without data.
        features: Positions of the two columns that the surface is drawn over; empty where the table has only one.
    """

    noun = "coefficient"

    evidence: Evidence | None = None
    features: tuple[int, ...] = ()

    @classmethod
    def of(cls, fit, data, features):
        """Data are `(X, y)`; they are asked for nothing where no probability is predicted."""
        if not has_probabilities(fit):
            refuse_features(fit, features)
            return cls(fit)
        evidence = Evidence.from_arrays(fit.evidence) if data is None else Evidence.gather(fit, data, features)
        if evidence is None:
            return cls(fit)
        return cls(fit, evidence, tuple(evidence.features if features is None else named(fit, features)))

    @property
    def table(self):
        """The coefficients, strongest first, with the intercept apart."""
        design, entries = self.fit.design, self.entries()
        intercept = entries.pop(0) if design.intercept else None
        entries.sort(key=lambda e: -e.strength)
        return Table(intercept, entries, regression=True, standardised=design.standardise)

    @property
    def table_words(self):
        """The scale of the likelihood, for a unit and for a standard deviation of the column."""
        scale = "standardised" if self.fit.design.standardise else "columns' own"
        return (
            f"{words.opened(self.fit.model.scale)} of each coefficient: for one unit of its column, and for one "
            f"standard deviation of it. Strongest first: by |mean| / sd on the {scale} scale. Grey lines are those "
            "whose 95\N{NARROW NO-BREAK SPACE}% interval holds zero."
        )

    @property
    def interval_words(self):
        """One standard deviation, or one unit."""
        if not self.fit.design.standardise:
            return "in the units of each column"
        apart = "; the intercept is apart" if self.fit.design.intercept else ""
        return f"for one standard deviation of each column, so that they can be compared{apart}"

    @property
    def unit(self):
        """The scale of the likelihood."""
        step = "one standard deviation" if self.fit.design.standardise else "one unit"
        return f"{self.fit.model.scale} for {step} of the column"

    @property
    def data_words(self):
        """Rows, rows dropped, and the two labels."""
        fit = self.fit
        dropped = fit.design.dropped
        said = f" on {words.count(fit.rows, 'row')}"
        if dropped:
            said += f" ({words.count(dropped, 'row')} with missing values dropped)"
        if fit.labels is not None:
            negative, positive = map(words.quoted, fit.labels.classes)
            said += f": the probability of {positive} rather than {negative}"
        return said

    @property
    def predicts_probabilities(self) -> bool:
        """Whether each row is predicted a probability of one of two labels."""
        return has_probabilities(self.fit)

    @property
    def outcomes(self) -> tuple[str, str]:
        """What y = 0 and y = 1 are called."""
        assert self.fit.labels is not None
        negative, positive = map(words.label, self.fit.labels.classes)
        return negative, positive
