"""A posterior over named unknowns, which all rows share."""

import abc
import dataclasses
from typing import ClassVar, Generic, TypeVar

import taut
from taut.report.posterior_table import Entry, Table
from taut.report.subjects.base import FitSubject
from taut.report.words import numbers as words
from taut.results.posterior import PosteriorFit

P = TypeVar("P", bound=PosteriorFit)


@dataclasses.dataclass(frozen=True)
class PosteriorSubject(FitSubject[P], Generic[P]):
    """A fit that answers with a table of unknowns.

    Attributes:
        noun: What an unknown is called.
    """

    noun: ClassVar[str]

    @property
    @abc.abstractmethod
    def table(self) -> Table:
        """The posterior table, in the order in which it is shown everywhere."""

    @property
    @abc.abstractmethod
    def table_words(self) -> str:
        """What the numbers of the table mean, and how it is sorted."""

    @property
    def standard_words(self) -> str:
        """What the second scale of the table is, where it has two."""
        return "for one standard deviation"

    @property
    @abc.abstractmethod
    def interval_words(self) -> str:
        """On which scale the intervals are drawn."""

    @property
    @abc.abstractmethod
    def unit(self) -> str:
        """What the axis of the intervals measures; "" for nothing to say."""

    @property
    def ratio(self) -> str:
        """What e to the power of a value is called; "" where it is nothing to speak of."""
        return ""

    @property
    @abc.abstractmethod
    def data_words(self) -> str:
        """What was fitted to, to be put behind the model's name; "" for nothing to say."""

    @property
    def title(self):
        """Whose posterior it is."""
        return f"Posterior of {words.with_article(self.fit.model.name)}"

    @property
    def what(self):
        """Model, data, family and number of unknowns."""
        return (
            f"{words.opened(words.with_article(self.fit.model.name))}{self.data_words}, with "
            f"{words.with_article(self.fit.posterior.phrase)} posterior over "
            f"{words.count(len(self.facts['coefficients']), self.noun)}."
        )

    @property
    def bound(self):
        """In nats for the whole data set."""
        return words.bound(self.facts)

    @property
    def bound_meaning(self):
        """That of the answer's own ELBO."""
        if self.fit.model.joint:
            return (
                "The evidence lower bound of the answer: expected log density of data and unknowns plus entropy of the "
                "posterior. Prior and likelihood are one function, so that there is no Kullback-Leibler divergence."
            )
        return (
            "The evidence lower bound of the answer, for the whole data set: expected log-likelihood minus "
            "Kullback-Leibler divergence from prior to posterior."
        )

    @property
    def how(self):
        """Algorithm, gradient, steps, and what it cost."""
        facts = self.facts
        steps = words.count(facts["iterations"], "step")
        gradient = "" if facts["gradient"] is None else f", {facts['gradient']} gradient"
        return [words.opened(f"{facts['algorithm']}{gradient}: {steps}; {self.fit.cost}.")]

    @property
    def particulars(self):
        """Seed, dtype, and what was spent."""
        facts = self.facts
        rejected = len(self.fit.history.get("elbo", ())) - facts["iterations"]
        trials = f", and {words.count(rejected, 'rejected trial')}" if rejected > 0 else ""
        return [
            ("seed", str(facts["seed"])),
            ("dtype", facts["dtype"]),
            ("iterations", words.count(facts["iterations"], "step") + trials),
            *self.cost,
            *([] if facts["samples"] is None else [("samples", f"{facts['samples']} for each step")]),
            ("rows for each step", "all" if facts["batch_size"] is None else f"{facts['batch_size']:,}"),
            ("page by", f"Taut {taut.__version__}"),
        ]

    def entries(self) -> list[Entry]:
        """The unknowns in the order of the model."""
        return [Entry(**coefficient) for coefficient in self.facts["coefficients"]]

    def sections(self):
        """The list of all pages about posteriors; those that ask for more than this fit has are left out."""
        from taut.report.sections import POSTERIOR

        return POSTERIOR

    def tables(self):
        """The posterior table."""
        from taut.report.terminal.unknowns import unknowns_table

        return unknowns_table(self.table)
