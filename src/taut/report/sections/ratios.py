"""Coefficients on the response scale."""

from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject
from taut.report.words.numbers import opened


@section("Ratios", FormulaSubject)
def ratios(subject: FormulaSubject) -> Content | None:
    """Odds, rate or time ratios, a line each; left out where the likelihood has none."""
    if not subject.ratios:
        return None
    return {
        "title": opened(subject.ratio),
        "noun": subject.ratio,
        "against": subject.base,
        "lines": subject.ratios,
    }
