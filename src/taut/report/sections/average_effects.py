"""Average marginal effects: changes on the scale of the response."""

from taut.report.average_effects import explained
from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject


@section("Average effects", FormulaSubject)
def average_effects(subject: FormulaSubject) -> Content | None:
    """A line for each column or level; left out where the coefficients say the same."""
    if not subject.average_effects:
        return None
    return {"explained": explained(subject.fit), "lines": subject.average_effects}
