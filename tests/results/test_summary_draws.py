"""Means and sds in a summary are those of q: its draws are free, and there are enough of them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import taut
from taut.families import FullRank, GaussianMixture, SinhArcsinh
from taut.models import LogDensity, positive, real
from taut.verdict.draws import plain_draws

SEEDS = range(10)


def bent():
    """A bent Gaussian of two coordinates, the second bent by the first."""
    family = SinhArcsinh.around(
        np.array([1.0, -2.0]), factor=np.array([[1.0, 0.0], [0.5, 2.0]]), order=np.array([1, 0])
    )
    noise = np.random.default_rng(3)
    changed = jax.tree.map(lambda a: a + 0.1 * noise.normal(size=a.shape), family.bend)
    return eqx.tree_at(lambda f: f.bend, family, changed)


def moments(family):
    """Mean and sd by Gauss and Hermite's rule."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    both = np.stack([a.ravel() for a in np.meshgrid(nodes, nodes)], axis=1)
    w = np.outer(weights, weights).ravel() / weights.sum() ** 2
    with taut.core.precision.context("float64"):
        x = np.asarray(jax.vmap(family.sample)(jnp.asarray(both)))
    mean = w @ x
    return mean, np.sqrt(w @ (x - mean) ** 2)


def test_means_of_a_bent_gaussian():
    family = bent()
    mean, sd = moments(family)
    assert np.abs(mean - np.asarray(family.base.mean)).max() > 0.05, "or nothing is bent"
    for seed in SEEDS:
        z = plain_draws(family, 2**14, seed, np.dtype(float))
        assert np.abs((z.mean(0) - mean) / sd).max() < 0.005
        assert np.abs(z.std(0) / sd - 1).max() < 0.02


def test_means_of_a_mixture():
    factors = np.array([np.eye(2), [[0.5, 0.0], [0.2, 1.5]]])
    family = GaussianMixture.of([[-3.0, 0.0], [2.0, 1.0]], factors, np.log([0.3, 0.7]))
    sd = np.sqrt(np.asarray(family.variance))
    for seed in SEEDS:
        z = plain_draws(family, 2**14, seed, np.dtype(float))
        assert len(z) == 2**14
        assert np.abs((z.mean(0) - np.asarray(family.mean)) / sd).max() < 2e-3
        assert np.abs(z.std(0) / sd - 1).max() < 0.02


@pytest.fixture(scope="module")
def fit():
    def log_density(v):
        return -0.5 * (jnp.log(v["scale"]) / 0.5) ** 2 - jnp.log(v["scale"]) - 0.5 * v["x"] ** 2

    return taut.fit(LogDensity(log_density, parameters={"scale": positive(), "x": real()}), family="full-rank")


def of_seed(fit, seed):
    return dataclasses.replace(fit, seed=seed)


def test_means_of_what_is_a_function_of_a_gaussian(fit):
    """A log-normal unknown: its q is exact, so that the mean is exp(1/8)."""
    mean, sd = np.exp(0.125), np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))
    for seed in SEEDS:
        table = of_seed(fit, seed).summary()
        assert abs(table["mean"][0] - mean) / sd < 0.005
        assert abs(table["sd"][0] / sd - 1) < 0.03


def test_a_saved_fit_has_the_same_summary(fit, tmp_path):
    bent_fit = dataclasses.replace(
        fit, problem=eqx.tree_at(lambda p: p.family, fit.problem, bent()), judged=None, parent=None
    )
    path = bent_fit.save(tmp_path / "bent")
    twice = taut.load(path).save(tmp_path / "twice")
    for again in (taut.load(path), taut.load(path, model=fit.model), taut.load(twice)):
        assert again.summary().equals(bent_fit.summary())
        assert len(again.sample(2**14)["x"]) == 2**14


def test_many_unknowns_take_fewer_draws(fit):
    family = FullRank.around(np.zeros(1000), 1.0)
    many = dataclasses.replace(
        fit, problem=eqx.tree_at(lambda p: p.family, fit.problem, family), judged=None, parent=None
    )
    z, weights = many.summarised
    assert z.shape == (4096, 1000)
    assert np.abs(z.mean(0)).max() < 1e-12
    assert weights.sum() == pytest.approx(1)
