"""New examples from the prior."""

from taut.report.figures.drawings import Pixels
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject

SAMPLES, COLUMNS = 60, 10


@section("Samples", LatentSubject, figures=("samples",))
def samples(subject: LatentSubject) -> Content | None:
    """Images of codes that are drawn from the prior, where examples are images."""
    if subject.image_shape is None:
        return None
    fit = subject.fit
    return {"figure": Pixels(subject.images(fit.sample(SAMPLES, fit.seed)["x"]), COLUMNS)}
