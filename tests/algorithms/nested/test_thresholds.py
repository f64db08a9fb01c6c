"""Ordered levels: their densities by hand, and the evidence by quadrature."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, gammaln, logsumexp
from scipy.stats import norm

from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.thresholds import Graded, graded, thresholds

ONES = np.ones((6, 1))
Y = {2: np.array([0, 1, 1, 0, 1, 1]), 3: np.array([0, 1, 2, 1, 1, 2]), 4: np.array([0, 3, 2, 1, 1, 2])}


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_rows_and_priors(levels):
    """The rows and log priors at points are those of the stated model, thresholds and all."""
    layout, rows = graded(ONES, [], Y[levels], levels, threshold_sd=3.0)
    phi = np.array([0.3, -0.4])[: levels - 2]
    intercept = 0.7
    eta = np.full((1, layout.rows), intercept)
    cuts = thresholds(phi[None])[0] - intercept
    chances = np.diff(np.concatenate([[0.0], expit(cuts), [1.0]]))
    expected = np.log(chances[Y[levels]]).sum() + norm(0, 3).logpdf(cuts[1:]).sum()
    value, _, _ = rows.expect(eta, np.zeros_like(eta), phi[None])
    assert value.sum() == pytest.approx(expected, abs=1e-9)
    if levels > 2:
        assert rows.log_prior(phi[None])[0] == pytest.approx(phi.sum() + gammaln(levels), abs=1e-12)
    assert (layout.mean[0], layout.sd[0]) == (0.0, 3.0)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_the_evidence_is_that_of_thresholds_in_order(levels):
    """Against the sum over a grid of ordered thresholds, whose prior is normalised there as well."""
    layout, rows = graded(ONES, [], Y[levels], levels, threshold_sd=2.0)
    grid = np.linspace(-8, 8, {2: 400, 3: 200, 4: 90}[levels])
    cuts = np.array(list(itertools.combinations(grid, levels - 1)))
    log_prior = norm(0, 2).logpdf(cuts).sum(1)
    padded = np.pad(expit(cuts), ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
    log_likelihood = np.log(np.diff(padded, axis=1)[:, Y[levels]]).sum(1)
    expected = logsumexp(log_prior + log_likelihood) - logsumexp(log_prior)
    assert fit(layout, rows).log_evidence == pytest.approx(expected, abs=0.1)


def test_a_weight_counts_a_row_as_often():
    a = graded(ONES, [], Y[3], 3, weights=np.array([2.0, 1, 1, 1, 1, 1]))
    b = graded(np.ones((7, 1)), [], np.append(Y[3], 0), 3)
    assert fit(*a).log_evidence == pytest.approx(fit(*b).log_evidence, abs=1e-6)


def test_the_density_is_the_expectation_without_variance():

    import jax.numpy as jnp

    likelihood = Graded((0.5, 1.5), 5.0)
    eta, y = jnp.linspace(-2, 2, 6), jnp.array([0.0, 1, 2, 3, -1, -2])
    np.testing.assert_allclose(likelihood.log_prob(eta, y), likelihood.expectation(eta, jnp.zeros(6), y)[0], atol=1e-5)
