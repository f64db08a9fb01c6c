"""Whether replicated data look like the data."""

from taut.report.figures import checks as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.formula import FormulaSubject


@section("Posterior predictive checks", FormulaSubject, figures=("checks",))
def checks(subject: FormulaSubject) -> Content | None:
    """What the likelihood's checks found: figures, and numbers where a check is a few of them."""
    found = subject.checks
    drawn = [check for check in found.values() if check.kind in figures.DRAWN]
    numbers = [check for check in found.values() if check.kind not in figures.DRAWN]
    if not found:
        return None
    columns = [(c.at, c.observed, c.expected, c.lower, c.upper) for c in numbers]
    return {
        "sentences": [check.sentence for check in found.values()],
        "lines": [line for parts in columns for line in zip(*parts, strict=True)],
        "figure": Lines.of(figures.checks, drawn, subject.levels) if drawn else None,
    }
