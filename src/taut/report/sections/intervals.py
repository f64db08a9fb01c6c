"""Means and intervals of the unknowns as a forest plot."""

from taut.report.figures.forest import forest, shown
from taut.report.figures.style import inline
from taut.report.sections.base import Section
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.words.numbers import opened


class Intervals(Section[PosteriorSubject]):
    """Every unknown's mean and 95 % interval, on a scale on which they can be compared where there is one."""

    needs = PosteriorSubject
    title = "Unknowns"
    template = "intervals"

    def content(self, subject):
        """The figure; its heading is what the unknowns are called."""
        table = subject.table
        return {
            "title": f"{opened(subject.noun)}s",
            "scale": subject.interval_words,
            "undrawn": len(table.entries) - len(shown(table)),
            "figure": inline(forest, table, subject.unit),
        }
