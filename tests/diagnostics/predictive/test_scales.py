"""Shares of variance and marginal effects against closed forms."""

import numpy as np
import pytest
from scipy.special import expit

from taut.diagnostics.predictive.marginal import average_response, average_slope
from taut.diagnostics.predictive.shares import variance_shares
from taut.models.likelihoods import Bernoulli, Beta, Binomial, Gaussian, NegativeBinomial, Ordinal, Poisson


@pytest.mark.parametrize(
    ("likelihood", "values", "residual"),
    [
        (Gaussian(), {"sigma": 2.0}, 4.0),
        (Bernoulli(), {}, np.pi**2 / 3),
        (Binomial(), {}, np.pi**2 / 3),
        (Ordinal(4), {}, np.pi**2 / 3),
        (Poisson(), {}, np.log1p(1 / np.exp(0.5 + 1.5 / 2))),
        (NegativeBinomial(), {"phi": 3.0}, np.log1p(1 / np.exp(0.5 + 1.5 / 2) + 1 / 3)),
        (Beta(), {"precision": 9.0}, 0.1 / (expit(0.5) * expit(-0.5))),
    ],
)
def test_shares_by_nakagawa(likelihood, values, residual):
    variances = np.array([[1.0, 0.5]])
    found = variance_shares(likelihood, {k: np.array([v]) for k, v in values.items()}, np.array([0.5]), variances)
    np.testing.assert_allclose(found[0], np.array([1.0, 0.5, residual]) / (1.5 + residual), rtol=1e-5)


def test_average_slopes():
    eta, b = np.random.default_rng(0).normal(size=(3, 50)), np.array([[0.5], [1.0], [-1.0]])
    p = expit(eta)
    np.testing.assert_allclose(average_slope(Bernoulli(), {}, eta, b), (b * p * (1 - p)).mean(1), rtol=1e-5)
    np.testing.assert_allclose(average_slope(Poisson(), {}, eta, b), (b * np.exp(eta)).mean(1), rtol=1e-5)
    np.testing.assert_allclose(average_slope(Gaussian(), {"sigma": np.ones(3)}, eta, b), b[:, 0], rtol=1e-5)
    weights = np.arange(50.0)
    weighted = (b * np.exp(eta)) @ weights / weights.sum()
    np.testing.assert_allclose(average_slope(Poisson(), {}, eta, b, weights=weights), weighted, rtol=1e-5)


def test_average_responses():
    eta = np.random.default_rng(0).normal(size=(3, 50))
    np.testing.assert_allclose(average_response(Binomial(), {}, eta), expit(eta).mean(1), rtol=1e-5)
    weights = np.arange(50.0)
    weighted = expit(eta) @ weights / weights.sum()
    np.testing.assert_allclose(average_response(Bernoulli(), {}, eta, weights), weighted, rtol=1e-5)
    levels = average_response(Ordinal(thresholds=(0.0, 1.0)), {}, eta)
    np.testing.assert_allclose(levels[:, 0], expit(-eta).mean(1), rtol=1e-5)
    np.testing.assert_allclose(levels[:, 2], expit(eta - 1).mean(1), rtol=1e-5)
