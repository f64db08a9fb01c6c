"""The figures on the test split."""

from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject


class Evaluation(Section[LatentSubject]):
    """ELBO, log p(x), active units and information, each with what it is."""

    needs = LatentSubject
    title = "Evaluation"
    template = "evaluation"

    def content(self, subject):
        """A line each, where there was an evaluation."""
        return {"figures": subject.figures} if subject.figures else None
