"""What one unit of a code changes."""

import numpy as np

from taut.report.figures.drawings import Pixels
from taut.report.latent_evidence import LatentEvidence
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject

MOST_UNITS = 8
"""Units that are traversed, the most active first."""
STEPS = 9


@section("Latent traversal", LatentSubject, figures=("traversal",))
def traversal(subject: LatentSubject) -> Content | None:
    """Images of the first example's code with one unit at a time moved, where examples are images."""
    evidence = subject.evidence
    if evidence is None or subject.image_shape is None:
        return None
    images = subject.images(subject.fit.decode(moved_codes(evidence, subject.binary)))
    units = [int(unit) for unit in evidence.active[:MOST_UNITS]]
    return {"binary": subject.binary, "units": units, "figure": Pixels(images, STEPS)}


def moved_codes(evidence: LatentEvidence, binary: bool) -> np.ndarray:
    """Codes `[units * 9, latent]`: the first example's, with one unit at a time moved from -3 to 3 (or 0 to 1)."""
    ends = (0.0, 1.0) if binary else (-3.0, 3.0)
    base = np.round(evidence.codes[0]) if binary else evidence.codes[0]
    units = evidence.active[:MOST_UNITS]
    codes = np.tile(base, (len(units), STEPS, 1))
    for row, unit in enumerate(units):
        codes[row, :, unit] = np.linspace(*ends, STEPS)
    return codes.reshape(-1, codes.shape[-1])
