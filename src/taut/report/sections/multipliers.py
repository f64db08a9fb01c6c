"""The multipliers of constraints along the training."""

from taut.report.figures.style import inline
from taut.report.figures.terms import multipliers
from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject


class Multipliers(Section[LatentSubject]):
    """Each multiplier and its constraint's violation at each step, and how they ended."""

    needs = LatentSubject
    title = "The learned coefficient"
    template = "multipliers"

    def content(self, subject):
        """The figure and sentences, where a coefficient was learned."""
        learned = subject.fit.multiplier
        if not learned or not subject.stepped:
            return None
        names = list(learned)
        mirror = [name.startswith("kl") for name in names]
        return {"sentences": subject.learned, "figure": inline(multipliers, subject.fit.history, names, mirror)}
