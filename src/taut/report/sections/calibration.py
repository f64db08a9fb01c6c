"""Whether the rows to which p was given came true with frequency p."""

from taut.report.figures.calibration import calibration
from taut.report.figures.style import inline
from taut.report.sections.base import NEEDS_DATA, Section, left_out
from taut.report.subjects.regression import RegressionSubject


class Calibration(Section[RegressionSubject]):
    """The reliability diagram of a regression that predicts probabilities."""

    needs = RegressionSubject
    title = "Calibration"
    template = "calibration"

    def content(self, subject):
        """The figure, where the data are known."""
        if not subject.predicts_probabilities:
            return None
        if subject.evidence is None:
            return left_out(NEEDS_DATA)
        _, positive = subject.outcomes
        return {
            "positive": positive,
            "rows": int(subject.evidence.count.sum()),
            "figure": inline(calibration, subject.evidence, positive),
        }
