"""A log density: named unknowns, each on a scale of its own."""

import dataclasses

from taut.report.posterior_table import Table
from taut.report.subjects.base import refuse_features
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.words import numbers as words
from taut.results.posterior import PosteriorFit


@dataclasses.dataclass(frozen=True)
class DensitySubject(PosteriorSubject[PosteriorFit]):
    """The fit of a log density."""

    noun = "unknown"

    @classmethod
    def of(cls, fit, data, features):
        """Nothing is drawn from the data of a log density."""
        refuse_features(fit, features)
        return cls(fit)

    @property
    def table(self):
        """The unknowns in the order of the model."""
        return Table([], self.entries(), regression=False)

    @property
    def table_words(self):
        """The order and the units."""
        return "The unknowns in the model's own order and units."

    @property
    def interval_words(self):
        """Each its own."""
        return "each named unknown on its own scale"

    @property
    def unit(self):
        """None that all unknowns share."""
        return ""

    @property
    def data_words(self):
        """The number of rows; a joint density has its data inside."""
        return "" if self.fit.model.joint else f" on {words.count(self.fit.rows, 'row')}"
