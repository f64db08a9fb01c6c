"""The multipliers of constraints along the training."""

from taut.report.figures import terms
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject


@section("The learned coefficient", LatentSubject, figures=("multipliers",))
def multipliers(subject: LatentSubject) -> Content | None:
    """Multiplier and violation at each step, where a coefficient was learned."""
    learned = subject.fit.multiplier
    if not learned or not subject.stepped:
        return None
    names = list(learned)
    mirror = [name.startswith("kl") for name in names]
    return {"sentences": subject.learned, "figure": Lines.of(terms.multipliers, subject.fit.history, names, mirror)}
