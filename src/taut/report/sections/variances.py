"""Sds and correlations of the groups, and the likelihood's own parameters."""

from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject
from taut.report.variance_table import remarks


@section("Variances", FormulaSubject)
def variances(subject: FormulaSubject) -> Content | None:
    """A line each, on the coded scale and on that of the table where these differ; left out where there are none."""
    lines = subject.variances
    if not lines:
        return None
    both, shared = any(line.own for line in lines), any(line.share for line in lines)
    return {"lines": lines, "both": both, "shared": shared, "remarks": remarks(lines), "scale": subject.unit}
