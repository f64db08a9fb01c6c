"""Whether the rows to which p was given came true with frequency p."""

from taut.report.figures import calibration as figures
from taut.report.figures.drawings import Lines
from taut.report.sections.base import NEEDS_DATA, Content, left_out, section
from taut.report.subjects.regression import RegressionSubject


@section("Calibration", RegressionSubject, figures=("calibration",))
def calibration(subject: RegressionSubject) -> Content | None:
    """Bins of rows, where the regression predicts probabilities and the data are known."""
    if not subject.predicts_probabilities:
        return None
    if subject.evidence is None:
        return left_out(NEEDS_DATA)
    _, positive = subject.outcomes
    return {
        "positive": positive,
        "rows": int(subject.evidence.count.sum()),
        "figure": Lines.of(figures.calibration, subject.evidence, positive),
    }
