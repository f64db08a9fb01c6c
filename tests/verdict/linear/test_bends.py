"""Bends of a regression's coordinates against exact integrals."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import taut
from taut.core.batch import Batch
from taut.families.bent import KNOTS, BentCoordinates, along, back, monotone
from taut.models import LogisticRegression
from taut.verdict.answers import Trusted
from taut.verdict.draws import draws_of, gaussian_of
from taut.verdict.linear import bends
from taut.verdict.linear.seen import Seen, serves

MODEL = LogisticRegression(standardise=False, intercept=False)


def posterior(X, y):
    """The Gaussian that Taut fits, as an algorithm sees it, and the batch."""
    fit = taut.fit(MODEL, (X, y), fallbacks=False, progress=False)
    q = gaussian_of(fit.posterior)
    assert q is not None
    assert fit.parent is not None
    return q, fit.parent


def exact(x, y, grid):
    """The posterior of one coefficient on a grid, by the density itself."""
    eta = grid[:, None] * x
    log = (y * eta - np.logaddexp(0, eta)).sum(1) - 0.5 * grid**2
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    mean = mass @ grid
    return mean, np.sqrt(mass @ (grid - mean) ** 2), mass @ (grid - mean) ** 3


@pytest.mark.parametrize("rows", [1, 3, 12])
def test_coefficients_that_share_no_row_are_exact(rows):
    """Then the posterior is a product: each factor is its own, as skewed as one row of a yes makes it.

    64,000 draws err by 0.004 sd and 0.3 %; twelve comparisons at 5 standard errors fail once in 100,000 runs.
    """
    rng = np.random.default_rng(rows)
    size = np.array([1.0, 2.5])
    X = np.kron(np.diag(size), np.ones((rows, 1)))
    y = np.concatenate([np.ones(rows), (rng.random(rows) < 0.4)]).astype(float)
    y[-1] = 0
    q, batch = posterior(X, y)
    family = bends.bend(MODEL, batch, q)
    assert family is not None
    z, _ = draws_of(family, 64000, 0, np.dtype("float64"))
    grid = np.linspace(-12, 12, 20001)
    for k in range(2):
        own = X[:, k] != 0
        mean, sd, third = exact(X[own, k], y[own], grid)
        assert abs(z[:, k].mean() - mean) < 0.02 * sd
        assert z[:, k].std() == pytest.approx(sd, rel=0.016)
        assert np.mean((z[:, k] - z[:, k].mean()) ** 3) / sd**3 == pytest.approx(third / sd**3, abs=0.06)


def test_two_that_share_rows_come_nearer_to_the_exact_posterior():
    """A rare dummy and an intercept: mean and sd of the dummy by a sum over a fine grid of both."""
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(60), 4.0 * (np.arange(60) < 3)])
    y = (rng.random(60) < 0.5).astype(float)
    y[:3] = 1
    grid = np.linspace(-6, 8, 701)
    a, b = np.meshgrid(grid, grid, indexing="ij")
    log = -0.5 * (a**2 + b**2)
    for given, dummy, target in zip(X[:, 0], X[:, 1], y, strict=True):
        eta = a * given + b * dummy
        log += target * eta - np.logaddexp(0, eta)
    mass = np.exp(log - log.max())
    mass = mass.sum(0) / mass.sum()
    mean = mass @ grid
    sd = np.sqrt(mass @ (grid - mean) ** 2)
    q, batch = posterior(X, y)
    family = bends.bend(MODEL, batch, q)
    assert family is not None
    z, _ = draws_of(family, 64000, 0, np.dtype("float64"))
    assert abs(z[:, 1].mean() - mean) < 0.03 * sd
    assert z[:, 1].std() == pytest.approx(sd, rel=0.03)
    assert abs(q.sd[1] / sd - 1) > 0.03  # which the Gaussian is not


def test_series_and_quadrature_agree(monkeypatch):
    """Rows that hardly see a coordinate go by four derivatives: near the mode both ways are one."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 3))
    y = (rng.random(200) < 0.3).astype(float)
    q, batch = posterior(X, y)
    seen = Seen.of(MODEL, batch, q).reordered(np.arange(3))
    middle = np.abs(bends.GRID) < 3
    found = []
    for hardly in (0.0, 1.0):
        monkeypatch.setattr(bends, "HARDLY", hardly)
        log = bends._log_densities(seen, np.arange(3), np.tile(bends.GRID, (3, 1)))[:, middle]
        found.append(log - log.max(1, keepdims=True))
    np.testing.assert_allclose(*found, atol=2e-3)


def test_a_normal_posterior_is_not_bent():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(4000, 2))
    q, batch = posterior(X, (rng.random(4000) < 0.5).astype(float))
    assert bends.bend(MODEL, batch, q) is None


def test_what_is_served():
    assert serves(MODEL)
    assert not serves(LogisticRegression(prior=taut.models.Independent(dist.Laplace(0.0, 1.0))))


def test_the_family_is_a_distribution():
    """Its density is that of its draws: the way there and back, and a mass of one."""
    rng = np.random.default_rng(4)
    values = np.sinh(0.6 * KNOTS + 0.4)
    slopes = 0.6 * np.cosh(0.6 * KNOTS + 0.4)
    np.testing.assert_allclose(monotone(values[None], slopes[None])[0], slopes)  # steep enough nowhere
    for z in (-7.0, -5.0, -0.01, 0.3, 4.99, 6.0):
        y, log_slope = along(z, values, slopes)
        assert float(back(y, values, slopes)) == pytest.approx(z, abs=1e-5)
        assert float(log_slope) == pytest.approx(
            np.log(float(jax.grad(lambda x: along(x, values, slopes)[0])(z))), abs=1e-5
        )
    family = BentCoordinates.around(np.zeros(2))
    factor = np.array([[1.0, 0.0], [0.5, 2.0]])
    frame = type(family.frame).of(np.array([0.3, -1.0]), factor)
    bent = BentCoordinates(frame, np.array([1, 0]), values[None], slopes[None])
    x, log_q = jax.vmap(bent.sample_and_log_prob)(np.asarray(rng.normal(size=(50, 2)), np.float32))
    np.testing.assert_allclose(jax.vmap(bent.log_prob)(x), log_q, atol=2e-3)
    grid = np.linspace(-40, 40, 1601)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
    mass = np.exp(np.asarray(jax.vmap(bent.log_prob)(points), float)).sum() * (grid[1] - grid[0]) ** 2
    assert mass == pytest.approx(1.0, abs=0.01)


@pytest.mark.slow
def test_a_wide_table_with_rare_dummies_can_be_trusted():
    """Its Gaussian is suspect; the bent one says by weights of all draws that it is right."""
    rng = np.random.default_rng(5)
    levels = rng.choice(30, size=800, p=np.arange(1, 31)[::-1] ** 3 / np.sum(np.arange(1, 31.0) ** 3))
    X = np.hstack([rng.normal(size=(800, 5)), np.eye(30)[levels][:, 1:]])
    X = X[:, X.std(0) > 0]
    y = (rng.random(800) < 1 / (1 + np.exp(1.5 - X[:, :5].sum(1)))).astype(float)
    plain = taut.fit(LogisticRegression(), (X, y), fallbacks=False, progress=False)
    fit = taut.fit(LogisticRegression(), (X, y), progress=False)
    assert plain.verdict.trust.answer in (Trusted.SUSPECT, Trusted.UNUSABLE)
    assert fit.verdict.trust.answer is Trusted.CORRECTED
    assert "bent coordinates" in fit.verdict.trust.reason
    assert isinstance(fit.parent, Batch)
