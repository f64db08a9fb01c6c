"""The stated models against long runs of NUTS (../shared/data/mixed/reference)."""

import pytest

from taut.algorithms.nested.fit import fit
from tests.helpers.mixed import DATA, MODELS, Stated

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/mixed")
SLOW = {"insteval"}


@pytest.mark.parametrize("name", [pytest.param(x, marks=pytest.mark.slow) if x in SLOW else x for x in MODELS])
def test_means_and_sds_are_those_of_the_reference(name):
    model = Stated(name)
    solution = fit(model.layout, model.likelihood)
    for parameter, (error, ratio) in model.errors(solution).items():
        assert abs(error) < 0.1, f"{parameter}: {error:.3f} sd"
        assert 0.9 < ratio < 1.1, f"{parameter}: sd x{ratio:.3f}"
    assert model.group_errors(solution)[0] < 0.15
