"""New examples from the prior."""

from taut.report.figures.pictures import inline_png
from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject

SAMPLES, COLUMNS = 60, 10


class Samples(Section[LatentSubject]):
    """Images of codes that are drawn from the prior."""

    needs = LatentSubject
    title = "Samples"
    template = "samples"

    def content(self, subject):
        """The picture, where examples are images."""
        if subject.image_shape is None:
            return None
        fit = subject.fit
        return {"figure": inline_png(subject.images(fit.sample(SAMPLES, fit.seed)["x"]), COLUMNS)}
