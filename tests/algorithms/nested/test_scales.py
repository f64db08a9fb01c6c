import numpy as np
import pytest
from scipy.special import gammaln

from taut.algorithms.nested.inner import Inner
from taut.algorithms.nested.scales import correlation_root, log_lkj
from tests.helpers.mixed import Gaussian, problem


@pytest.mark.parametrize("q", [1, 2, 3, 4])
def test_correlations_are_correlations(q):
    partial = 2 * np.random.default_rng(0).normal(size=(5, q * (q - 1) // 2))
    root = correlation_root(partial, q)
    matrices = root @ root.transpose(0, 2, 1)
    np.testing.assert_allclose(np.einsum("tii->ti", matrices), 1, rtol=1e-12)
    assert (np.linalg.eigvalsh(matrices) > 0).all()


def lkj_constant(q, eta):
    """log of the integral of det(R)^(eta - 1) over correlation matrices (Lewandowski et al. 2009, eq. 16)."""
    k = np.arange(1, q)
    b = eta + (q - 1 - k) / 2
    return ((2 * eta - 2 + q - k) * (q - k) * np.log(2) + (q - k) * (2 * gammaln(b) - gammaln(2 * b))).sum()


@pytest.mark.parametrize("q", [2, 3, 4])
@pytest.mark.parametrize("eta", [1.0, 2.0, 3.5])
def test_lkj_with_its_jacobian(q, eta):
    """The density of R is det(R)^(eta - 1) / constant; the Jacobian of t -> R is measured by differences."""
    entries = q * (q - 1) // 2
    t = np.random.default_rng(1).normal(size=entries)
    lower = np.tril_indices(q, -1)

    def correlations(x):
        root = correlation_root(x[None], q)[0]
        return (root @ root.T)[lower]

    eye = 1e-5 * np.eye(entries)
    jacobian = np.column_stack([(correlations(t + e) - correlations(t - e)) / 2e-5 for e in eye])
    root = correlation_root(t[None], q)[0]
    log_det = 2 * np.log(np.diag(root)).sum()
    expected = (eta - 1) * log_det - lkj_constant(q, eta) + np.log(abs(np.linalg.det(jacobian)))
    assert log_lkj(t[None], q, eta)[0] == pytest.approx(expected, rel=1e-7)


def test_far_partial_correlations_stay_finite():
    assert np.isfinite(log_lkj(np.array([[40.0], [-40.0]]), 2, 2.0)).all()


def test_the_prior_of_a_log_sd_integrates_to_one():
    layout, likelihood = problem(Gaussian)
    scales = Inner(layout, likelihood).scales
    grid = np.arange(-20, 4, 0.01)
    t = np.column_stack([grid, np.zeros_like(grid)])
    density = np.exp(scales.log_prior(t) - likelihood.log_prior(t[:, 1:]))
    assert density.sum() * 0.01 == pytest.approx(1, abs=1e-6)
