"""A regression: coefficients of a table's columns, and predictions of its rows."""

import dataclasses
from typing import Any

import numpy as np

from taut.models import Prior
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
        apart = [entries.pop(0)] if design.intercept else []
        entries.sort(key=lambda e: -e.strength)
        return Table(apart, entries, regression=True, standardised=design.standardise)

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
    def origin(self):
        """With what the way from the table to its rows says: labels, baseline levels, and the prior."""
        kept = super().origin
        named = {name.split()[0].lower() for name, _ in kept}
        design, labels = self.fit.design, self.fit.labels
        if labels is not None and "positive" not in named:
            negative, positive = map(words.quoted, labels.classes)
            kept.append(("positive label", f"{positive}, the other one is {negative}"))
        baselines = [f"{words.printable(c.name)}: {words.printable(c.levels[0])}" for c in design.columns if c.levels]
        if baselines and not named & {"baseline", "baselines"}:
            kept.append(("baselines", "; ".join(baselines) + " (the other levels are compared with these)"))
        scale = "standardised columns" if design.standardise else "columns as they are"
        return [*kept, ("prior", f"{prior_words(self.fit.model.prior)} on each coefficient of the {scale}")]

    @property
    def prior(self):
        """Mean and sd: linear functions of the coefficients have known moments whatever the distribution is."""
        moments = prior_moments(self.fit.model.prior, len(self.fit.design.names))
        if moments is None:
            return []
        mean, sd = moments
        A = self.fit.design.original_scale()
        own = zip(A @ mean, np.sqrt(A**2 @ sd**2), strict=True)
        both = zip(self.fit.design.names, own, zip(mean, sd, strict=True), strict=True)
        return [(name, *(f"{words.measured(m, s)} ± {words.measured(s, s)}" for m, s in pair)) for name, *pair in both]

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


def prior_words(prior: Prior) -> str:
    """A prior as it was given.

    Example:
        >>> from taut.models import Normal
        >>> prior_words(Normal(0, 2.5))
        'Normal(0, 2.5)'
    """
    given: Any = getattr(prior, "distribution", prior)
    numbers = [getattr(given, name, None) for name in ("loc", "scale")]
    if all(x is not None and np.ndim(x) == 0 for x in numbers):
        return f"{type(given).__name__}({', '.join(f'{float(x):g}' for x in numbers)})"
    return type(given).__name__


def prior_moments(prior: Prior, dim: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and sd of each of `dim` coefficients, None where the prior does not say them or has none.

    Example:
        >>> from taut.models import Normal
        >>> prior_moments(Normal(0, [1.0, 2.0]), 2)[1].tolist()
        [1.0, 2.0]
    """
    given: Any = getattr(prior, "distribution", prior)
    mean, variance = getattr(given, "mean", None), getattr(given, "variance", None)
    if mean is None or variance is None:
        mean, scale = getattr(given, "loc", None), getattr(given, "scale", None)
        variance = None if scale is None else np.square(scale)
    if mean is None or variance is None:
        return None
    both = np.broadcast_to(np.asarray(mean, float), dim), np.sqrt(np.broadcast_to(np.asarray(variance, float), dim))
    return both if np.isfinite(both).all() else None
