"""Effects of the groups, sorted."""

from taut.report.figures import groups as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject
from taut.report.words.numbers import label


@section("Groups", FormulaSubject, figures=("groups",))
def groups(subject: FormulaSubject) -> Content | None:
    """A panel for each factor and term; left out without groups."""
    effects = subject.effects
    if not effects:
        return None
    undrawn = [(label(one.name), len(one.entries) - figures.MOST, len(one.entries)) for one in effects]
    return {
        "scale": subject.unit,
        "coded": any(line.own for line in subject.variances),
        "undrawn": [line for line in undrawn if line[1] > 0],
        "most": figures.MOST,
        "figure": Lines.of(figures.groups, effects, subject.unit),
    }
