"""The unit of y and of its group sds is a matter of naming: the answer is the same, and so is the effort."""

import numpy as np
import pytest

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.layout import Factor, Layout, half_normal
from taut.algorithms.nested.rows import CompiledRows
from taut.models.likelihoods.gaussian import Gaussian
from taut.models.likelihoods.student_t import StudentT

N = 120
RNG = np.random.default_rng(3)
FIXED = np.column_stack([np.ones(N), RNG.normal(size=N)])
SLOPES = np.column_stack([np.ones(N), FIXED[:, 1]])
INDEX = np.arange(N) % 10
Y = FIXED @ [0.2, 0.5] + RNG.normal(size=10)[INDEX] + 0.5 * RNG.standard_t(4, size=N)
Y = (Y - Y.mean()) / Y.std()


def answer(likelihood, columns, unit, shift):
    """The fit of y in another unit, with the stated priors, and its answers in the unit of y."""
    y = shift + unit * Y
    factor = Factor(INDEX, columns, half_normal(unit), unit=unit)
    layout = Layout(FIXED, [factor], mean=np.array([shift, 0.0]), sd=2.5 * unit)
    solution = fit(layout, CompiledRows(likelihood, y[layout.order], spread=unit))
    mean, sd = solution.unknowns()
    mean[0] -= shift
    sds = solution.of_scales(solution.scales.sds(solution.t, 0) / unit)
    return solution, np.concatenate([mean / unit, sd / unit, *sds])


GAUSSIAN = (lambda unit: Gaussian(sd=unit), SLOPES)
STUDENT = (lambda unit: StudentT(5.0, unit), np.ones((N, 1)))


@pytest.mark.parametrize(("unit", "shift"), [(56.3, 298.0), (1e4, 2e4), (1e-8, 0.0), (0.01, 20.0)])
@pytest.mark.parametrize(("likelihood", "columns"), [GAUSSIAN, STUDENT])
def test_the_answer_and_the_effort_are_those_of_standardised_rows(likelihood, columns, unit, shift):
    here, ours = answer(likelihood(unit), columns, unit, shift)
    there, theirs = answer(likelihood(1.0), columns, 1.0, 0.0)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3)
    assert here.log_evidence + N * np.log(unit) == pytest.approx(there.log_evidence, abs=5e-3)
    assert here.steps < 1.1 * there.steps


def test_a_residual_sd_that_starts_far_off_is_found():
    _, ours = answer(Gaussian(), SLOPES, 1e3, 0.0)
    _, theirs = answer(Gaussian(), SLOPES, 1.0, 0.0)
    np.testing.assert_allclose(ours, theirs, atol=1e-2)
