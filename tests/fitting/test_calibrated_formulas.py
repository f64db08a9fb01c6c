"""Simulation-based calibration of regressions by formula, from the table to the draws.

Where z comes from the prior and y from the model, the rank of each true value among draws of the posterior is uniform.
Source: S. Talts, M. Betancourt, D. Simpson, A. Vehtari and A. Gelman, Validating Bayesian Inference Algorithms with
Simulation-Based Calibration, 2018.
"""

import jax
import numpy as np
import polars as pl
import pytest
from numpyro.distributions import HalfNormal
from scipy.stats import kstest

import taut
from taut.core import precision
from taut.models import Normal, Regression
from taut.models.hierarchy import likelihood_with

REPLICATES = 80
MODELS = {
    "slopes": ("y ~ x + (1 + x | g)", "gaussian", {"Intercept": Normal(0, 2), "x": Normal(0, 1), "g": HalfNormal(1)}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", "poisson", {"Intercept": Normal(0.5, 0.5), "x": Normal(0, 0.5)}),
    "binary": ("y ~ x + (1 | g)", "bernoulli", {"Intercept": Normal(0, 1), "x": Normal(0, 1)}),
}
OF_LIKELIHOOD = {"gaussian": {"sigma": HalfNormal(1)}}
"""Priors that would follow the response's sd, which calibration must hold fixed."""


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_ranks_are_uniform(name):
    """By a Kolmogorov-Smirnov test of each unknown; at 1e-5 each, some 20 unknowns fail by chance in 1 of 5,000."""
    formula, likelihood, priors = MODELS[name]
    rng = np.random.default_rng(len(name))
    n = 90
    x, g, h = rng.normal(size=n), np.arange(n) % 10, rng.integers(6, size=n)
    table = pl.DataFrame({"x": x, "g": g, "h": h, "y": np.arange(n) % 2})
    regression = Regression(formula, likelihood=likelihood, prior=priors | OF_LIKELIHOOD.get(likelihood, {}))
    first = taut.fit(regression, table)
    model, rows = first.model, first.data
    ranks = []
    for i in range(REPLICATES):
        with precision.context(np.dtype("float64")):
            key = jax.random.key(i)
            z = np.asarray(model.prior.draw(key, (1, model.prior.dim)))
            own = likelihood_with(model.prior.own, model.likelihood, model.prior.parts(z[0]).own)
            y = np.asarray(own.sample(jax.random.fold_in(key, 1), model.predictors(z, rows)[0]))
        if len(np.unique(y)) < 2:
            continue
        fit = taut.fit(regression, table.with_columns(pl.Series("y", y)), seed=i)
        draws, truth = model.named(fit.drawn_answer[0]), model.named(z)
        ranks.append({name: np.mean(draws[name] < truth[name]) for name in truth})
    assert len(ranks) > 0.9 * REPLICATES
    p = {name: kstest([rank[name] for rank in ranks], "uniform").pvalue for name in ranks[0]}
    assert min(p.values()) > 1e-5, p
