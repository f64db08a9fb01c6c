"""Where held-out examples lie in the latent space."""

from taut.report.figures.codes import latent_map
from taut.report.figures.style import inline
from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject


class LatentMap(Section[LatentSubject]):
    """Mean codes of held-out examples in the plane of two units."""

    needs = LatentSubject
    title = "Latent map"
    template = "latent_map"

    def content(self, subject):
        """The figure, where there are examples and at least two units."""
        evidence, latent = subject.evidence, subject.fit.model.latent
        if evidence is None or latent < 2:
            return None
        pair = [0, 1] if latent == 2 else sorted(int(unit) for unit in evidence.active[:2])
        return {
            "mapped": len(evidence.codes),
            "pair": pair,
            "chosen": latent > 2,
            "labelled": len(evidence.labels) > 0,
            "figure": inline(latent_map, evidence.codes, evidence.labels, pair),
        }
