"""A regression by formula: coefficients, scales, and effects of groups."""

import dataclasses
import functools

from taut.report.group_effects import GroupEffects, group_effects
from taut.report.posterior_table import Entry, Table
from taut.report.ratios import Ratio, alone, ratios
from taut.report.subjects.base import refuse_features
from taut.report.subjects.posterior import PosteriorSubject
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
        """The coefficients in the order of the formula; one intercept is apart."""
        entries, apart = self.entries(), alone(self.fit)
        shown = [e for e in entries if e.name in apart]
        intercept = shown[0] if len(shown) == 1 else None
        others = [e for e in entries if e is not intercept]
        return Table(intercept, others, regression=True, standardised=self.coded)

    @property
    def coded(self) -> bool:
        """Whether some coefficient is another number on the coded scale than for one unit of its column."""
        return any(e.mean != e.mean_standardised or e.sd != e.sd_standardised for e in self.entries())

    @functools.cached_property
    def ratios(self) -> list[Ratio]:
        """Coefficients on the response scale."""
        return ratios(self.fit, self.entries())

    @functools.cached_property
    def variances(self) -> list[Entry]:
        """Sds and correlations of the groups, and the likelihood's own parameters."""
        return [Entry(**line, p_positive=None) for line in self.fit.variances().to_dicts()]

    @functools.cached_property
    def effects(self) -> list[GroupEffects]:
        """Effects of the groups."""
        return group_effects(self.fit)

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
        scales = ": for one unit of its column, and with numeric columns standardised" if self.coded else ""
        return (
            f"{words.opened(self.fit.model.likelihood.scale)} of each coefficient{scales}. In the formula's order. "
            "Grey lines are those whose 95\N{NARROW NO-BREAK SPACE}% interval holds zero."
        )

    @property
    def interval_words(self):
        """With numeric columns standardised, so that coefficients can be compared."""
        apart = "; the intercept is apart" if self.table.intercept else ""
        coded = "for one standard deviation of each numeric column, so that they can be compared" if self.coded else ""
        return (coded or "for one unit of each column") + apart

    @property
    def unit(self):
        """The scale of the predictor."""
        return self.fit.model.likelihood.scale

    def sections(self):
        """The list of all pages about regressions by formula."""
        from taut.report.sections import FORMULA

        return FORMULA

    def tables(self):
        """Coefficients, ratios, variances and the most extreme groups."""
        from taut.report.terminal.formula import groups_table, ratios_table, variances_table
        from taut.report.terminal.unknowns import unknowns_table

        caption = "std: with numeric columns standardised.\n"
        return [
            *unknowns_table(self.table, caption),
            *ratios_table(self.fit.model.likelihood.ratio, self.ratios),
            *variances_table(self.variances),
            *groups_table(self.effects),
        ]
