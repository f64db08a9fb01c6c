"""Sds and correlations of the groups, and the likelihood's own parameters."""

from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject


@section("Variances", FormulaSubject)
def variances(subject: FormulaSubject) -> Content | None:
    """A line each, on the coded scale and on that of the table where these differ; left out where there are none."""
    lines = subject.variances
    if not lines:
        return None
    return {"lines": lines, "both": any(line.own for line in lines), "scale": subject.unit}
