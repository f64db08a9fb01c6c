"""What is said of single unknowns: one that cannot be quoted leaves the others as they were."""

import json

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.special import digamma, polygamma
from scipy.stats import norm

import taut
from taut.models import LogDensity, real
from taut.verdict.trust import Trust, trust_from_weights

DIM, SHAPE = 250, 6.0
"""Unknowns of the wide posterior, each the log of a Gamma(SHAPE) variable."""


def quantiles(n, seeds):
    """Normal draws `[n, len(seeds)]`, each column the quantiles in an order of its own."""
    grid = norm.ppf((np.arange(n) + 0.5) / n)
    return np.stack([np.random.default_rng(seed).permutation(grid) for seed in seeds], 1)


def test_a_tail_of_one_unknown_is_no_doubt_of_another():
    """q(b) is normal where the posterior is a Student-t with 3 degrees of freedom; q(a) is right."""
    z = quantiles(4000, (0, 1))
    log_t = -2.0 * np.log1p(z[:, 1] ** 2 / 3)
    seen, _ = trust_from_weights(log_t - norm.logpdf(z[:, 1]), z, ("a", "b"))
    assert seen.answer == "suspect"
    assert seen.doubtful == ("b",)
    assert seen.of(["b", "a", "another"]) == ["suspect", "good", "suspect"]
    assert "the sd of b hangs on a few draws" in seen.reason


def test_a_doubt_of_the_whole_is_one_of_each():
    z = quantiles(4000, (0, 1))
    for known in ({"converged": "no"}, {"recurred": False}, {"rivals": 0.3}, {"unseen": True}):
        seen, _ = trust_from_weights(np.zeros(4000), z, ("a", "b"), **known)
        assert seen.doubtful == ("a", "b")
    far, _ = trust_from_weights(norm.logpdf(z, 4).sum(1) - norm.logpdf(z).sum(1), z, ("a", "b"))
    assert far.of(["a", "b"]) == ["unusable", "unusable"]


def test_what_the_weights_move_is_corrected_and_the_rest_is_good():
    z = quantiles(4000, (0, 1))
    seen, _ = trust_from_weights(norm.logpdf(z[:, 0], 0.3) - norm.logpdf(z[:, 0]), z, ("a", "b"))
    assert seen.of(["a", "b"]) == ["corrected", "good"]
    assert seen.doubtful == ()
    assert Trust.from_json(json.loads(json.dumps(seen.to_json()))).unknowns == seen.unknowns


def test_a_fit_of_an_older_version_says_of_each_what_it_says_of_all():
    z = quantiles(4000, (0, 1))
    said = trust_from_weights(np.zeros(4000), z, ("a", "b"), recurred=False)[0].to_json()
    del said["unknowns"]
    assert Trust.from_json(said).doubtful == ("a", "b")


def test_summary_and_json_have_a_word_for_each():
    fit = taut.fit(LogDensity(lambda v: -0.5 * jnp.sum(v["x"] ** 2), parameters={"x": real(2)}))
    assert fit.summary()["trust"].to_list() == ["good", "good"]
    assert [line["trust"] for line in fit.to_json()["coefficients"]] == ["good", "good"]


@pytest.fixture(scope="module")
def wide():
    """Many unknowns, each a little skewed: together they leave no joint weights."""
    return taut.fit(LogDensity(lambda v: jnp.sum(SHAPE * v["x"] - jnp.exp(v["x"])), parameters={"x": real(DIM)}))


@pytest.mark.slow
def test_chains_say_of_many_unknowns_what_joint_weights_cannot(wide):
    assert len(wide.verdict.rungs) == 1
    assert wide.verdict.rungs[0].startswith("Hamiltonian Monte Carlo: 64 chains")
    assert wide.verdict.trust.effective_sample_size < 1000
    assert wide.verdict.trust.reliable
    assert set(wide.summary()["trust"]) <= {"good", "corrected"}


@pytest.mark.slow
def test_what_is_said_to_be_usable_is_right(wide):
    """Exact: the mean is digamma(SHAPE) and the variance trigamma(SHAPE).

    64 chains of 50 draws know a mean to 0.03 sd at worst; 0.15 is five of these: a false failure once in 7,000 for 250.
    """
    table = wide.summary()
    sd = np.sqrt(polygamma(1, SHAPE))
    assert np.all(np.abs(table["mean"].to_numpy() - digamma(SHAPE)) < 0.15 * sd)
    assert np.all(np.abs(table["sd"].to_numpy() / sd - 1) < 0.15)
    assert isinstance(table, pl.DataFrame)
