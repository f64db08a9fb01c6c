"""Means and intervals of the unknowns as a forest plot."""

from taut.report.figures.forest import forest, shown
from taut.report.figures.style import inline
from taut.report.sections.base import Content, section
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.words.numbers import opened


@section("Unknowns", PosteriorSubject)
def intervals(subject: PosteriorSubject) -> Content | None:
    """The posterior table as a figure; the heading is what the unknowns are called."""
    table = subject.table
    return {
        "title": f"{opened(subject.noun)}s",
        "scale": subject.interval_words,
        "undrawn": len(table.entries) - len(shown(table)),
        "figure": inline(forest, table, subject.unit),
    }
