"""The smallest whole number that a distribution function reaches: exact where it is known, and found in few steps."""

import numpy as np
import pytest

from taut.models.likelihoods.whole_numbers import FAR, smallest

STEPS = 200
"""Values of the distribution function, of which two for each power of two suffice."""


@pytest.mark.parametrize("edge", [0.0, 1.0, 2.0, 1000.0, 2.0**53 - 1, 2.0**53 + 2, 2.0**59 + 1024])
def test_a_step_is_found_where_it_is(edge):
    calls = []

    def cdf(k):
        calls.append(1)
        assert len(calls) < STEPS
        return np.where(k >= edge, 0.9, 0.0)

    assert smallest(cdf, np.array([0.5, 0.9])).tolist() == [edge, edge]


def test_what_is_not_reached_is_infinite_and_a_largest_number_ends_the_search():
    assert smallest(lambda k: np.where(k >= 4 * FAR, 1.0, 0.0), np.array([0.5])).tolist() == [np.inf]
    assert smallest(lambda k: np.zeros_like(k), np.array([0.5]), most=7.0).tolist() == [7.0]
