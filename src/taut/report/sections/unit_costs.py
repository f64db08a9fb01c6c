"""What each unit of a code costs."""

import numpy as np

from taut.diagnostics.activity import THRESHOLD
from taut.report.figures.codes import kl_bars
from taut.report.figures.style import inline
from taut.report.sections.base import Section
from taut.report.subjects.latent import LatentSubject


class UnitCosts(Section[LatentSubject]):
    """The KL of each latent unit on the test split."""

    needs = LatentSubject
    title = "KL of each unit"
    template = "unit_costs"

    def content(self, subject):
        """The figure, where an evaluation knows it."""
        evidence = subject.evidence
        evaluation = evidence.evaluation if evidence else None
        if not evaluation or not evaluation.get("kl_per_dimension"):
            return None
        active = np.var(evidence.codes, axis=0) > THRESHOLD
        return {"figure": inline(kl_bars, np.array(evaluation["kl_per_dimension"]), active)}
