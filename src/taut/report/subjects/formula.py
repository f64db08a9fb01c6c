"""A regression by formula: coefficients, scales, and effects of groups."""

import dataclasses
import functools

from taut.data import Levels
from taut.diagnostics.predictive.check import Check
from taut.diagnostics.predictive.left_out import LeftOut
from taut.report.average_effects import average_effects
from taut.report.group_effects import GroupEffects, group_effects
from taut.report.posterior_table import LEVEL, Entry, Table
from taut.report.ratios import Ratio, alone, ratios
from taut.report.subjects.base import refuse_features
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.variance_table import Variance, variance_lines
from taut.report.words import numbers as words
from taut.results.formula import FormulaFit


@dataclasses.dataclass(frozen=True)
class FormulaSubject(PosteriorSubject[FormulaFit]):
    """The fit of a regression by formula. It keeps its rows, so that no data are asked for."""

    noun = "coefficient"

    @classmethod
    def of(cls, fit, data, features):
        """Data are those that the fit keeps."""
        refuse_features(fit, features)
        return cls(fit)

    @functools.cached_property
    def table(self):
        """The coefficients in the order of the formula, below intercepts and thresholds."""
        entries, names = self.shown, alone(self.fit)
        apart = [e for e in entries if e.name in names]
        others = [e for e in entries if e.name not in names]
        return Table(apart, others, regression=True, standardised=self.coded)

    @functools.cached_property
    def shown(self) -> list[Entry]:
        """The coefficients in the order of the fit."""
        return self.entries()

    def entries(self):
        """With the intervals of the coded scale."""
        found = self.fit.marginals(raw=False).columns(LEVEL)
        ends = zip(found["lower"], found["upper"], strict=True)
        pairs = zip(super().entries(), ends, strict=True)
        return [dataclasses.replace(entry, ends_standardised=(float(a), float(b))) for entry, (a, b) in pairs]

    @property
    def coded(self) -> bool:
        """Whether some coefficient is another number on the coded scale than for one unit of its column."""
        return any(e.mean != e.mean_standardised or e.sd != e.sd_standardised for e in self.shown)

    @functools.cached_property
    def ratios(self) -> list[Ratio]:
        """Coefficients on the response scale."""
        return ratios(self.fit, self.shown)

    @functools.cached_property
    def average_effects(self) -> list[Entry]:
        """Average marginal effects, where the coefficients do not say the same."""
        return average_effects(self.fit)

    @functools.cached_property
    def variances(self) -> list[Variance]:
        """Sds and correlations of the groups, and the likelihood's own parameters."""
        return variance_lines(self.fit)

    @functools.cached_property
    def effects(self) -> list[GroupEffects]:
        """Effects of the groups."""
        return group_effects(self.fit)

    @functools.cached_property
    def checks(self) -> dict[str, Check]:
        """What replicated data say."""
        return self.fit.check()

    @functools.cached_property
    def left_out(self) -> LeftOut:
        """What each row left out says."""
        return self.fit.loo()

    @property
    def levels(self) -> list[str]:
        """Names of the levels of the response; none for numbers."""
        labels = self.fit.labels
        return [str(level) for level in labels.levels] if isinstance(labels, Levels) else []

    @property
    def what(self):
        """Formula, rows, and what is unknown."""
        fit = self.fit
        effects = sum(len(one.entries) for one in self.effects)
        parts = [
            words.count(fit.posterior.dim - effects - len(self.variances), self.noun),
            *([words.count(effects, "effect") + " of groups"] if effects else []),
            *([words.count(len(self.variances), "variance parameter")] if self.variances else []),
        ]
        listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        return (
            f"{words.opened(words.with_article(fit.model.name))}, {words.printable(fit.model.formula)}, on "
            f"{words.count(fit.rows, 'row')}, with {words.with_article(fit.posterior.phrase)} posterior over {listed}."
        )

    @property
    def data_words(self):
        """The number of rows."""
        return f" on {words.count(self.fit.rows, 'row')}"

    @property
    def table_words(self):
        """The scale of the predictor, for a unit of the column and as coded."""
        scales = ", for one unit of the column and with numeric columns standardised" if self.coded else ""
        first = f"{words.opened(self.apart)} first, the others in" if self.apart else "In"
        return (
            f"Coefficients ({self.unit}){scales}. {first} the order of the formula. Grey lines are those whose "
            "95\N{NARROW NO-BREAK SPACE}% interval holds zero."
        )

    @property
    def apart(self) -> str:
        """What stands apart from the coefficients that can be compared; "" for nothing."""
        if self.fit.coefficients.thresholds:
            return "thresholds"
        return ("", "the intercept", "intercepts")[min(2, len(self.table.apart))]

    @property
    def standard_words(self):
        """Categories are as they are."""
        return "numeric columns standardised"

    @property
    def interval_words(self):
        """With numeric columns standardised, so that coefficients can be compared."""
        coded = "for one standard deviation of each numeric column, so that they can be compared" if self.coded else ""
        apart = f"; {self.apart} apart" if self.apart else ""
        return (coded or "for one unit of each column") + apart

    @property
    def unit(self):
        """The scale of the predictor: that of the response itself, or one that the likelihood names."""
        likelihood, response = self.fit.model.likelihood, self.fit.design.response
        return f"units of {words.label(response.name)}" if likelihood.in_units_of_y else likelihood.scale

    @property
    def ratio(self):
        """That of the likelihood."""
        return self.fit.model.likelihood.ratio

    @property
    def base(self) -> str:
        """The level of the response that all others are compared with, where each has coefficients of its own."""
        labels = self.fit.labels
        return words.quoted(labels.levels[0]) if isinstance(labels, Levels) and self.fit.model.labels else ""

    def sections(self):
        """The list of all pages about regressions by formula; nested inference has no path of one q to draw."""
        from taut.report.sections import FORMULA, trace

        return tuple(part for part in FORMULA if self.fit.history or part is not trace)

    def tables(self):
        """Coefficients, ratios, average effects, variances and the most extreme groups."""
        from taut.report.terminal.formula import effects_table, groups_table, ratios_table, variances_table
        from taut.report.terminal.unknowns import unknowns_table

        caption = "std: with numeric columns standardised.\n"
        return [
            *unknowns_table(self.table, caption),
            *ratios_table(self.ratio, self.ratios),
            *effects_table(self.fit, self.average_effects),
            *variances_table(self.variances),
            *groups_table(self.effects),
        ]
