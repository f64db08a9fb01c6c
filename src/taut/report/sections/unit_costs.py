"""What each unit of a code costs."""

import numpy as np

from taut.diagnostics.activity import THRESHOLD
from taut.report.figures.codes import kl_bars
from taut.report.figures.drawings import Lines
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject


@section("KL of each unit", LatentSubject, figures=("unit_costs",))
def unit_costs(subject: LatentSubject) -> Content | None:
    """The KL of each latent unit, where an evaluation knows it."""
    evidence = subject.evidence
    kl = evidence.evaluation.get("kl_per_dimension") if evidence and evidence.evaluation else None
    if evidence is None or not kl:
        return None
    active = np.var(evidence.codes, axis=0) > THRESHOLD
    return {"figure": Lines.of(kl_bars, np.array(kl), active)}
