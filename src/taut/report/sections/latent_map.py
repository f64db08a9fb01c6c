"""Where held-out examples lie in the latent space."""

from taut.report.figures import codes
from taut.report.figures.style import inline
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject


@section("Latent map", LatentSubject)
def latent_map(subject: LatentSubject) -> Content | None:
    """Mean codes in the plane of two units, where there are examples and at least two units."""
    evidence, latent = subject.evidence, subject.fit.model.latent
    if evidence is None or latent < 2:
        return None
    pair = [0, 1] if latent == 2 else sorted(int(unit) for unit in evidence.active[:2])
    return {
        "mapped": len(evidence.codes),
        "pair": pair,
        "chosen": latent > 2,
        "labelled": len(evidence.labels) > 0,
        "figure": inline(codes.latent_map, evidence.codes, evidence.labels, pair),
    }
