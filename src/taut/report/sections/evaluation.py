"""The figures on the test split."""

from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject
from taut.report.words.latent import figures


@section("Evaluation", LatentSubject)
def evaluation(subject: LatentSubject) -> Content | None:
    """Each figure and what it is, where there was an evaluation."""
    lines = figures(subject.evidence)
    return {"figures": lines} if lines else None
