"""Where held-out examples lie in the latent space."""

import numpy as np
from matplotlib.figure import Figure

from taut.report.figures import codes
from taut.report.figures.drawings import Lines
from taut.report.figures.neighbours import LEAST, MOST, neighbour_map
from taut.report.sections.base import Content, section
from taut.report.subjects.latent import LatentSubject


@section("Latent map", LatentSubject, figures=("latent_map",))
def latent_map(subject: LatentSubject) -> Content | None:
    """Mean codes in the plane of their two units, or of more units as a map of neighbours, where there are examples."""
    evidence, latent = subject.evidence, subject.fit.model.latent
    if evidence is None or latent < 2:
        return None
    shown = slice(None) if latent == 2 else slice(MOST)
    means, labels = evidence.codes[shown], evidence.labels[shown]
    pair = [0, 1] if latent == 2 else sorted(int(unit) for unit in evidence.active[:2])
    neighbours = latent > 2 and len(means) >= LEAST
    return {
        "mapped": len(means),
        "units": latent,
        "pair": pair,
        "neighbours": neighbours,
        "labelled": len(labels) > 0,
        "figure": Lines.of(_map, means, labels, [] if neighbours else pair),
    }


def _map(means: np.ndarray, labels: np.ndarray, pair: list[int]) -> Figure:
    """In the plane of a pair of units, or without one as a map of neighbours."""
    places = means[:, pair] if pair else neighbour_map(means)
    return codes.latent_map(places, labels, [f"unit {unit}" for unit in pair])
