"""How noisy the gradient was along the training."""

from taut.report.figures import noise
from taut.report.sections.base import Content, section
from taut.report.subjects.base import FitSubject


@section("Noise of the gradient", FitSubject)
def gradient_noise(subject: FitSubject) -> Content | None:
    """Variance and signal-to-noise ratio at each step, where the gradient was an estimate and they were measured."""
    seen = noise.noise_content(subject.fit)
    return None if seen["noise"] is None else {"sentence": seen["noise_sentence"], "figure": seen["noise"]}
