"""What was assumed of every unknown before the data were seen."""

from taut.report.prior_lines import prior_lines
from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject


@section("Priors", FormulaSubject)
def priors(subject: FormulaSubject) -> Content | None:
    """In words, as stated and for one unit of the table's columns."""
    lines = prior_lines(subject.fit)
    return {"lines": lines, "both": any(line.own for line in lines), "groups": bool(subject.effects)}
