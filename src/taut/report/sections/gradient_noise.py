"""How noisy the gradient was along the training."""

from taut.report.figures import noise
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.base import FitSubject


@section("Noise of the gradient", FitSubject, figures=("gradient_noise",))
def gradient_noise(subject: FitSubject) -> Content | None:
    """Variance and signal-to-noise ratio at each step, where the gradient was an estimate and they were measured."""
    if not noise.measured(subject.fit):
        return None
    history = subject.fit.history
    return {"sentence": noise.noise_sentence(history), "figure": Lines.of(noise.noise, history)}
