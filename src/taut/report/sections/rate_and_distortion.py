"""The place of a fit between rate and distortion."""

from taut.report.figures.drawings import Lines
from taut.report.figures.rate import rate_point
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject


@section("Rate and distortion", LatentSubject, figures=("rate_and_distortion",))
def rate_and_distortion(subject: LatentSubject) -> Content | None:
    """The answer and the way of training to it, where a step was made."""
    if not subject.stepped:
        return None
    shown, _ = subject.held_out
    distortion, rate = -shown["expected_log_likelihood"], shown["kl"]
    return {"figure": Lines.of(rate_point, subject.fit.history, distortion, rate)}
