"""A fit in ArviZ's hands: the same draws, their log densities, and what was said of them."""

import json
import sys
import types
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import taut
from taut.errors import ArgumentError
from taut.models import LogDensity, positive, real

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    az = pytest.importorskip("arviz", reason="the extra arviz is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")


def log_joint(v):
    """x ~ N(0, 1), elementwise; s ~ Exponential(1)."""
    return jnp.sum(-0.5 * v["x"] ** 2 - 0.5 * jnp.log(2 * jnp.pi)) - v["s"]


MODEL = LogDensity(log_joint, parameters={"x": real((2, 3)), "s": positive()})


@pytest.fixture(scope="module")
def fit():
    return taut.fit(MODEL, family="full-rank")


def test_draws_with_their_log_densities(fit):
    data = fit.to_arviz(draws=50, seed=1)
    posterior, stats = data["posterior"], data["sample_stats"]
    assert posterior["x"].shape == (1, 50, 2, 3)
    assert posterior["s"].dims == ("chain", "draw")
    np.testing.assert_array_equal(posterior["x"][0], fit.sample(50, seed=1)["x"])
    x, s = np.asarray(posterior["x"][0]), np.asarray(posterior["s"][0])
    # log p over the unconstrained coordinates: the Jacobian of s = exp(z) is s.
    expected = norm.logpdf(x).sum((1, 2)) - s + np.log(s)
    np.testing.assert_allclose(stats["lp"][0], expected, rtol=1e-9)
    z = np.concatenate([np.log(s)[:, None], x.reshape(50, 6)], 1)
    with jax.enable_x64(True):
        log_q = jax.jit(jax.vmap(lambda one: fit.posterior.log_prob(one)))(z)
    np.testing.assert_allclose(stats["lq"][0], log_q, rtol=1e-9)


def test_the_verdict_and_all_figures_come_along(fit):
    data = fit.to_arviz(draws=5)
    assert data.attrs["inference_library"] == "taut"
    assert data.attrs["verdict"] == str(fit.verdict)
    said = json.loads(data.attrs["taut"])
    assert said["elbo"] == fit.elbo
    assert said["verdict"]["trust"]["answer"] == fit.verdict.trust.answer


def test_arviz_summarises_it(fit):
    table = az.summary(fit.to_arviz(draws=400), kind="stats")
    assert "x[0, 0]" in table.index


def test_a_regression_is_named_by_its_columns():
    fit = taut.fit(taut.models.LogisticRegression(), ([[0.0], [1.0], [2.0], [4.0]], [0, 1, 0, 1]))
    data = fit.to_arviz(draws=20)
    assert set(data["posterior"].data_vars) == set(fit.summary()["name"])
    assert np.all(np.isfinite(data["sample_stats"]["lp"]))


def test_a_saved_fit_without_its_code_has_draws(fit, tmp_path):
    data = taut.load(fit.save(tmp_path / "run")).to_arviz(draws=20)
    assert data["posterior"]["x"].shape == (1, 20, 2, 3)


def test_a_tree_where_arviz_is_new(fit, monkeypatch):
    """ArviZ 1 takes a nested dictionary, and attributes by group."""
    seen = {}
    base = types.ModuleType("arviz_base")
    base.from_dict = lambda groups, attrs: seen.update(groups=groups, attrs=attrs) or "tree"  # pyright: ignore
    monkeypatch.setitem(sys.modules, "arviz_base", base)
    monkeypatch.setattr(az, "__version__", "1.3.0")
    assert fit.to_arviz(draws=5) == "tree"
    assert set(seen["groups"]) == {"posterior", "sample_stats"}
    assert seen["attrs"]["/"]["inference_library"] == "taut"


def test_without_arviz_the_extra_is_named(fit, monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz", None)
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    with pytest.raises(ArgumentError, match=r"taut\[arviz\]"):
        fit.to_arviz(draws=5)


def test_a_number_of_draws_is_needed(fit):
    with pytest.raises(ArgumentError, match="draws=0"):
        fit.to_arviz(draws=0)


FORMULAS = {
    "number ~ x + (1 | g)": None,
    "count ~ x + (1 | g)": "poisson",
    "cases / 6 ~ x": None,
    "grade ~ x + (1 | g)": "ordinal",
    "kind ~ x": None,
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_regression_by_formula_brings_its_rows(formula):
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    table = pl.DataFrame(
        {
            "x": x,
            "g": [f"g{k % 5}" for k in range(40)],
            "number": 1 + 0.5 * x + rng.normal(size=40),
            "count": rng.poisson(np.exp(0.5 * x)),
            "cases": rng.binomial(6, 0.4, 40),
            "grade": rng.integers(3, size=40),
            "kind": ["a", "b"] * 10 + ["c", "a"] * 10,
        }
    )
    fit = taut.fit(taut.models.Regression(formula, likelihood=FORMULAS[formula]), table)
    data = fit.to_arviz(draws=200, seed=1)
    name = formula.split()[0]
    pointwise, predicted = (np.asarray(data[g][name]) for g in ("log_likelihood", "posterior_predictive"))
    assert pointwise.shape == predicted.shape == (1, 200, 40)
    z = fit.draws_of_answer(200, 1)[0]
    with jax.enable_x64(True):
        direct = jax.jit(jax.vmap(lambda z: fit.model.log_likelihood(z, fit.data)))(jnp.asarray(z, float))
    np.testing.assert_allclose(pointwise[0], direct, rtol=1e-8, atol=1e-10)
    seen = np.asarray(data["observed_data"][name])
    assert seen.shape == (40,)
    assert abs(predicted.mean() - seen.mean()) < 0.5 * max(1.0, seen.std())
    # ArviZ's own leave-one-out agrees with ours.
    assert float(az.loo(data, var_name=name).elpd_loo) == pytest.approx(fit.loo().total, abs=1.0)
    saved = fit.to_arviz(draws=200, seed=1)["log_likelihood"][name]
    np.testing.assert_array_equal(saved, data["log_likelihood"][name])
