"""New examples from the prior."""

from taut.report.figures.pictures import inline_png
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject

SAMPLES, COLUMNS = 60, 10


@section("Samples", LatentSubject)
def samples(subject: LatentSubject) -> Content | None:
    """Images of codes that are drawn from the prior, where examples are images."""
    if subject.image_shape is None:
        return None
    fit = subject.fit
    return {"figure": inline_png(subject.images(fit.sample(SAMPLES, fit.seed)["x"]), COLUMNS)}
