"""Optima of difficult regressions, found again by L-BFGS on an ELBO by quadrature: another formula, another climber.

Most cases are 64 rows and 4 weights, so that they are one compilation.
"""

import numpy as np
import pytest
from scipy.optimize import minimize

import taut
from taut.errors import TautError
from taut.learning.ended import Ended
from taut.models import LogisticRegression, Normal

pytestmark = pytest.mark.usefixtures("x64")
ROWS, COLUMNS = 64, 3


def made(kind):
    """Features, target and prior scale."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(ROWS, COLUMNS))
    logits = X @ np.array([1.0, -2.0, 0.5]) + 0.3
    y = (rng.random(ROWS) < 1 / (1 + np.exp(-logits))).astype(float)
    if kind == "collinear":  # correlations of 1 - 5e-7 between all columns
        X = X[:, :1] + 1e-3 * rng.normal(size=X.shape)
    if kind == "badly scaled":
        X = X * [1e-6, 1.0, 1e8] + [0.0, 1e4, 0.0]
    if kind == "separable":
        y = (X[:, 0] > 0).astype(float)
    if kind == "one in sixty-four":
        y = (np.arange(ROWS) == np.argmax(X[:, 1])).astype(float)
    return X, y, {"weak prior": 100.0, "strong prior": 0.01}.get(kind, 1.0)


KINDS = ["ordinary", "collinear", "badly scaled", "separable", "one in sixty-four", "weak prior", "strong prior"]


def climbed(problem, D, diagonal):
    """The best ELBO that L-BFGS finds over mean and factor of the covariance."""
    triangle = np.tril_indices(D, -1)

    def unpack(x):
        L = np.diag(np.exp(x[D : 2 * D]))
        L[triangle] = 0.0 if diagonal else x[2 * D :]
        return x[:D], L

    def loss(x):
        mean, L = unpack(x)
        in_mean, in_covariance = problem.slopes(mean, L @ L.T)
        in_factor = 2 * in_covariance @ L
        parts = [in_mean, np.diag(in_factor) * np.diag(L), *([] if diagonal else [in_factor[triangle]])]
        return -problem.elbo(mean, L @ L.T), -np.concatenate(parts)

    size = 2 * D if diagonal else 2 * D + len(triangle[0])
    start = np.zeros(size)
    start[D : 2 * D] = -1.0
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-7, "maxcor": 30}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    mean, L = unpack(best.x)
    return -best.fun, mean, L @ L.T


@pytest.mark.parametrize("family", ["mean-field", "full-rank"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_is_the_one_that_another_route_finds(kind, family, design_matrix, quadrature):
    X, y, scale = made(kind)
    problem = quadrature(design_matrix(X), y, scale)
    exact, mean, covariance = climbed(problem, COLUMNS + 1, family == "mean-field")
    fit = taut.fit(LogisticRegression(Normal(0.0, scale)), (X, y), family=family)
    assert fit.ended is Ended.CONVERGED
    np.testing.assert_allclose(fit.elbo, exact, atol=1e-5)
    q = fit.posterior
    sd = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(q.mean - mean) < 5e-3 * sd)
    np.testing.assert_allclose(np.sqrt(np.asarray(q.variance)), sd, rtol=5e-3)


def test_separable_data_with_a_nearly_flat_prior_have_a_posterior(design_matrix, quadrature):
    X, y, _ = made("separable")
    fit = taut.fit(LogisticRegression(Normal(0.0, 100.0)), (X, y), family="full-rank")
    assert fit.ended is Ended.CONVERGED
    assert np.all(np.isfinite(fit.summary()["mean"].to_numpy()))
    # The likelihood alone has no maximum; with the prior the posterior is wide and its predictions are right.
    assert np.mean((fit.predict(X).probability > 0.5) == y) == 1
    q = fit.posterior
    exact = quadrature(design_matrix(X), y, 100.0).elbo(np.asarray(q.mean), np.asarray(q.covariance))
    np.testing.assert_allclose(fit.elbo, exact, atol=1e-5)


def test_more_columns_than_rows(design_matrix, quadrature):
    rng = np.random.default_rng(12)
    X = rng.normal(size=(20, 39))
    y = (X[:, 0] + 0.5 * rng.normal(size=20) > 0).astype(float)
    fit = taut.fit(LogisticRegression(), (X, y), family="full-rank")
    assert fit.ended is Ended.CONVERGED
    covariance = np.asarray(fit.posterior.covariance)
    in_mean, in_covariance = quadrature(design_matrix(X), y).slopes(np.asarray(fit.posterior.mean), covariance)
    root = np.linalg.cholesky(covariance)
    np.testing.assert_allclose(root.T @ in_mean, 0, atol=5e-4)
    np.testing.assert_allclose(root.T @ in_covariance @ root, 0, atol=5e-4)
    # In the directions that no row sees the prior is left as it was.
    unseen = np.linalg.svd(design_matrix(X))[2][20:]
    np.testing.assert_allclose(unseen @ covariance @ unseen.T, np.eye(len(unseen)), atol=1e-6)


def test_two_hundred_thousand_rows():
    rng = np.random.default_rng(13)
    X, w = rng.normal(size=(200_000, 4)), np.array([0.2, -0.1, 1.0, 0.0, 0.5])
    y = (rng.random(200_000) < 1 / (1 + np.exp(-(w[0] + X @ w[1:])))).astype(float)
    fit = taut.fit(LogisticRegression(standardise=False), (X, y), family="full-rank")
    assert fit.ended is Ended.CONVERGED
    q = fit.posterior
    sd = np.sqrt(np.asarray(q.variance))
    # With this many rows the posterior is the sampling distribution: the truth lies within 5 sd (one seed in 350,000
    # fails), and the precision is the Fisher information.
    assert np.all(np.abs(q.mean - w) < 5 * sd)
    A = np.column_stack([np.ones(len(X)), X])
    p = 1 / (1 + np.exp(-A @ q.mean))
    np.testing.assert_allclose(np.asarray(q.covariance), np.linalg.inv((A.T * p * (1 - p)) @ A), rtol=1e-3, atol=1e-8)


def test_single_precision_reaches_the_same_optimum(breast_cancer):
    fit = taut.fit(LogisticRegression(), breast_cancer, family="full-rank", dtype="float32")
    assert fit.posterior.mean.dtype == np.float32
    assert fit.ended in (Ended.CONVERGED, Ended.STALLED)
    np.testing.assert_allclose(fit.elbo, -55.46514, atol=0.01)


def test_a_weight_of_two_is_a_row_given_twice():
    X, y, _ = made("ordinary")
    weights = np.where(np.arange(ROWS) % 4 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(ROWS), weights.astype(int))
    model = LogisticRegression(standardise=False)
    weighted = taut.fit(model, (X, y), family="full-rank", sample_weight=weights)
    doubled = taut.fit(model, (X[twice], y[twice]), family="full-rank")
    np.testing.assert_allclose(weighted.elbo, doubled.elbo, atol=1e-7)
    np.testing.assert_allclose(weighted.posterior.mean, doubled.posterior.mean, atol=1e-4)


def test_a_row_of_weight_zero_is_not_seen():
    X, y, _ = made("ordinary")
    wild = X.copy()
    wild[0] = 1e6
    seen = np.arange(ROWS) > 0
    model = LogisticRegression(standardise=False)
    hidden = taut.fit(model, (wild, y), family="full-rank", sample_weight=seen.astype(float))
    np.testing.assert_allclose(hidden.elbo, taut.fit(model, (X[1:], y[1:]), family="full-rank").elbo, atol=1e-7)
    assert isinstance(hidden.elbo, float)
    with pytest.raises(TautError, match="sample_weight"):
        taut.fit(model, (X, y), sample_weight=np.zeros(ROWS))
