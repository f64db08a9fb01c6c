"""Quantiles of mixtures of normal distributions: the mass below each is what was asked for."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from taut.results.marginals import NormalMixtures

WEIGHTS = np.array([0.2, 0.5, 0.3])
MIXTURES = {
    "one": (np.full(3, 2.0), np.full(3, 0.5)),
    "near": (np.array([-0.1, 0.0, 0.2]), np.array([0.9, 1.0, 1.2])),
    "apart": (np.array([-50.0, 0.0, 50.0]), np.array([0.1, 1.0, 3.0])),
    "narrow beside wide": (np.zeros(3), np.array([1e-6, 1.0, 1e4])),
    "large": (np.array([1e8, 1e8, 1e8 + 1]), np.ones(3)),
}


@pytest.mark.parametrize("p", [1e-6, 0.025, 0.5, 0.7, 0.975])
def test_so_much_mass_lies_below_a_quantile(p):
    means, sds = (np.stack([mixture[i] for mixture in MIXTURES.values()], 1) for i in (0, 1))
    found = NormalMixtures(WEIGHTS, means, sds).quantile(p)
    below = WEIGHTS @ ndtr((found - means) / sds)
    for name, mass in zip(MIXTURES, below, strict=True):
        # At a gap between parts that lie apart many points have the mass.
        assert mass == pytest.approx(p, rel=1e-6, abs=1e-7), name
    assert found[0] == pytest.approx(2 + 0.5 * ndtri(p), rel=1e-9)


def test_what_is_known_exactly_is_its_own_quantile():
    found = NormalMixtures(WEIGHTS, np.full((3, 1), 4.0), np.zeros((3, 1)))
    assert found.quantile(0.025) == found.quantile(0.975) == 4.0
