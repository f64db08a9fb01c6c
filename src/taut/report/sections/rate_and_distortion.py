"""The place of a fit between rate and distortion."""

from taut.report.figures.rate import rate_point
from taut.report.figures.style import inline
from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject


class RateAndDistortion(Section[LatentSubject]):
    """What a code costs against how well it reconstructs, and the way of training to there."""

    needs = LatentSubject
    title = "Rate and distortion"
    template = "rate_and_distortion"

    def content(self, subject):
        """The figure, where a step was made."""
        if not subject.stepped:
            return None
        shown, _ = subject.held_out
        distortion, rate = -shown["expected_log_likelihood"], shown["kl"]
        return {"figure": inline(rate_point, subject.fit.history, distortion, rate)}
