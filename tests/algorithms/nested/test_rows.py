"""A JAX likelihood as the engine's, against the same in NumPy."""

from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from taut.algorithms.nested import rows
from taut.algorithms.nested.fit import fit
from taut.algorithms.nested.rows import CompiledRows
from taut.algorithms.nested.thresholds import Graded
from taut.models import likelihoods, positive
from tests.helpers.mixed import Gaussian, Poisson, problem


class Counts(eqx.Module):
    """Poisson, with what the engine asks of a likelihood."""

    def parameters(self, spread=1.0):
        return ()

    def expectation(self, m, v, y):
        from jax.scipy.special import gammaln

        mean = jnp.exp(m + v / 2)
        return y * m - mean - gammaln(y + 1), y - mean, mean

    def log_prob(self, eta, y):
        return self.expectation(eta, jnp.zeros_like(eta), y)[0]


class Residuals(eqx.Module):
    """Gaussian with a residual sd of its own, half-normal of the spread."""

    log_sigma: Any = 0.0

    def parameters(self, spread=1.0):
        def log_prior(free):
            return 0.5 * jnp.log(2 / jnp.pi) - jnp.log(spread) - 0.5 * (jnp.exp(free) / spread) ** 2 + free

        how = {"support": positive(), "from_free": jnp.exp, "shown": jnp.exp, "log_prior_free": log_prior}
        return (SimpleNamespace(name="sigma", field="log_sigma", **how),)

    def with_parameters(self, values):
        return Residuals(jnp.log(values["sigma"]))

    def expectation(self, m, v, y):
        precision = jnp.exp(-2 * jnp.asarray(self.log_sigma))
        value = -0.5 * ((y - m) ** 2 + v) * precision + 0.5 * jnp.log(precision) - 0.5 * jnp.log(2 * jnp.pi)
        return value, (y - m) * precision, jnp.broadcast_to(precision, m.shape)

    def log_prob(self, eta, y):
        return self.expectation(eta, jnp.zeros_like(eta), y)[0]


PAIRS = [(Counts, Poisson), (Residuals, Gaussian)]


@pytest.mark.parametrize("cells", [1, 3, 9])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_expectations_at_any_number_of_cells(ours, theirs, cells):
    layout, likelihood = problem(theirs)
    of_rows = CompiledRows(ours(), likelihood.y)
    rng = np.random.default_rng(0)
    m, v = rng.normal(size=(cells, layout.rows)), rng.random((cells, layout.rows))
    phi = 0.3 * rng.normal(size=(cells, likelihood.parameters))
    for a, b in zip(of_rows.expect(m, v, phi), likelihood.expect(m, v, phi), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_allclose(of_rows.log_prior(phi), likelihood.log_prior(phi), atol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_same_answer(ours, theirs):
    layout, likelihood = problem(theirs, ((9, 1), (5, 1)))
    a, b = fit(layout, CompiledRows(ours(), likelihood.y)), fit(layout, likelihood)
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=0.02)
    np.testing.assert_allclose(a.unknowns()[0], b.unknowns()[0], atol=0.01)


def test_a_weight_of_zero_leaves_the_row_out():
    layout, likelihood = problem(Poisson)
    weights = np.ones(layout.rows)
    weights[5] = 0
    other = likelihood.y.copy()
    other[5] = 1000
    a, b = (fit(layout, CompiledRows(Counts(), y, weights)) for y in (likelihood.y, other))
    np.testing.assert_allclose(a.unknowns()[0], b.unknowns()[0], atol=1e-3)


@pytest.mark.parametrize("rate", [0.0, 3.0, 1e5])
def test_the_start_is_near_each_row(rate):
    y = np.random.default_rng(0).poisson(rate, 30).astype(float)
    start = CompiledRows(Counts(), y).start()
    assert np.isfinite(start).all()
    np.testing.assert_allclose(start[y > 0], np.log(y[y > 0]), atol=0.05)


def test_the_start_of_far_numbers():
    y = 1e4 + np.arange(30.0)
    np.testing.assert_allclose(CompiledRows(Residuals(), y).start(), y, rtol=1e-2)


@pytest.mark.parametrize("name", ["binomial", "negative-binomial", "student-t", "beta", "weibull", "ordinal"])
def test_numpy_and_compiled_functions_agree(name, monkeypatch):
    rng, n = np.random.default_rng(1), 6
    counts = rng.integers(0, 3, n).astype(float)
    likelihood, y = {
        "binomial": (likelihoods.Binomial(), (counts, counts + 1)),
        "negative-binomial": (likelihoods.NegativeBinomial(), counts),
        "student-t": (likelihoods.StudentT(), rng.normal(size=n)),
        "beta": (likelihoods.Beta(), rng.uniform(0.1, 0.9, n)),
        "weibull": (likelihoods.Weibull(), (counts + 1, np.minimum(counts, 1))),
        "ordinal": (Graded((1.0, 0.5), 5.0), counts - 1),
    }[name]
    results = []
    for work in (np.inf, 0):
        monkeypatch.setattr(rows, "MOST_WORK", work)
        ours = CompiledRows(likelihood, y)
        phi = ours.initial() + 0.1 * np.arange(3)[:, None]
        rng = np.random.default_rng(1)
        m, v = rng.normal(size=(3, n)), np.array([0.1, 0.5, 3.0])[:, None] * rng.random((3, n))
        results.append((*ours.expect(m, v, phi), ours.log_prob(m, phi), ours.log_prior(phi)))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
