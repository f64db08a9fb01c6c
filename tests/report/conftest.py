"""Small fits that the report's tests share."""

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

import taut


@pytest.fixture(scope="session")
def loans():
    """(X, y): numbers, a categorical, true/false, in 1,200 rows; a few values are missing."""
    random = np.random.default_rng(7)
    n = 1200
    age, income = random.normal(40, 10, n), random.gamma(4, 10, n)
    job, owner = random.choice(["baker", "clerk", "cook"], n, p=[0.2, 0.5, 0.3]), random.uniform(size=n) < 0.3
    logit = 0.1 * (age - 40) - 0.03 * (income - 40) + 1.5 * (job == "cook") - owner
    y = np.where(random.uniform(size=n) < 1 / (1 + np.exp(-logit)), "yes", "no").tolist()
    X = pl.DataFrame({"age": age, "job": job, "income": income, "owner": owner})
    X[5, "age"] = X[900, "job"] = y[17] = None
    return X, pl.Series("bad", y)


@pytest.fixture(scope="session")
def fit(loans):
    return taut.fit(taut.models.LogisticRegression(), loans, missing="drop")


@pytest.fixture(scope="session")
def noisy():
    """A log density with three kinds of unknowns, fitted by noisy steps."""

    def joint(v):
        return -0.5 * v["mu"] ** 2 - v["tau"] - 0.5 * jnp.sum((v["theta"] - v["mu"]) ** 2)

    supports = taut.models.supports
    unknowns = {"mu": supports.real(), "tau": supports.positive(), "theta": supports.real(3)}
    model = taut.models.LogDensity(joint, parameters=unknowns)
    return taut.fit(model, steps=300, family="mean-field")
