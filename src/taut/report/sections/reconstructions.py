"""Held-out examples beside what the model makes of them."""

import numpy as np
from markupsafe import Markup

from taut.report.figures.drawings import Pixels
from taut.report.sections.base import Content, left_out, section
from taut.report.subjects.latent import LatentSubject

COLUMNS = 10
ROWS = 2

NEEDS_IMAGES = Markup(
    "they need held-out images, and this fit was kept without any. Give them to <code>taut.report.page</code>"
)


@section("Reconstructions", LatentSubject, figures=("reconstructions",))
def reconstructions(subject: LatentSubject) -> Content | None:
    """Two rows of images; without images the reason, for all sections that need them."""
    evidence = subject.evidence
    if evidence is None or subject.image_shape is None:
        return {"title": "Reconstructions, samples, traversal", **left_out(NEEDS_IMAGES)}
    originals = subject.images(evidence.originals[: ROWS * COLUMNS])
    again = subject.images(subject.fit.decode(evidence.codes[: len(originals)]))
    drawn = len(evidence.grey) > 0
    kinds = [*([subject.images(evidence.grey)] if drawn else []), originals, again]
    rows = [one[i : i + COLUMNS] for i in range(0, len(originals), COLUMNS) for one in kinds]
    size = " \N{MULTIPLICATION SIGN} ".join(map(str, subject.image_shape[:2]))
    return {"drawn": drawn, "size": size, "figure": Pixels(np.concatenate(rows), min(COLUMNS, len(originals)))}
