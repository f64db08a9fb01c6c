"""All that a model with two units can make."""

import numpy as np
from scipy.special import ndtri

from taut.report.figures.drawings import Pixels
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject

GRID = 15


@section("Manifold", LatentSubject, figures=("manifold",))
def manifold(subject: LatentSubject) -> Content | None:
    """Images of codes on a grid, where examples are images and codes lie in a plane."""
    if subject.image_shape is None or subject.binary or subject.fit.model.latent != 2:
        return None
    return {"figure": Pixels(subject.images(subject.fit.decode(plane())), GRID)}


def plane() -> np.ndarray:
    """Codes on a grid at equal steps of the prior's probability, the second unit upwards."""
    ticks = ndtri((np.arange(GRID) + 0.5) / GRID)
    return np.stack([np.tile(ticks, GRID), np.repeat(ticks[::-1], GRID)], axis=1)
