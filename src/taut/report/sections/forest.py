"""Means and intervals of the unknowns as a forest plot."""

from taut.report.figures import forest as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.posterior import PosteriorSubject
from taut.report.words.numbers import opened


@section("Unknowns", PosteriorSubject, figures=("forest",))
def forest(subject: PosteriorSubject) -> Content | None:
    """The posterior table as a figure; the heading is what the unknowns are called."""
    table = subject.table
    return {
        "title": f"{opened(subject.noun)}s",
        "scale": subject.interval_words,
        "undrawn": len(table.entries) - len(figures.shown(table)),
        "figure": Lines.of(figures.forest, table, subject.unit, subject.ratio),
    }
