"""How noisy the gradient was along the training."""

from taut.report.figures import noise
from taut.report.sections.base import Section
from taut.report.subjects.base import FitSubject


class GradientNoise(Section[FitSubject]):
    """Variance and signal-to-noise ratio of one step's gradient."""

    needs = FitSubject
    title = "Noise of the gradient"
    template = "gradient_noise"

    def content(self, subject):
        """Figure and sentence, where the gradient was an estimate and its noise was measured."""
        seen = noise.noise_content(subject.fit)
        return None if seen["noise"] is None else {"sentence": seen["noise_sentence"], "figure": seen["noise"]}
