"""What the pages take for granted: data and models that their readers have. Small ones here."""

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

import taut
from taut.families import MeanField
from taut.gradients import Reparametrization

EFFECTS, ERRORS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]), np.array([15, 10, 16, 11, 9, 11, 10, 18.0])


def labelled(rows=60):
    """(X [rows, 2], y [rows]) with labels 0 and 1."""
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, 2))
    return X, (random.random(rows) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)


def log_joint(v):
    """Eight schools, centred."""
    theta = jnp.sum(-0.5 * ((EFFECTS - v["theta"]) / ERRORS) ** 2)
    spread = jnp.sum(-0.5 * ((v["theta"] - v["mu"]) / v["tau"]) ** 2 - jnp.log(v["tau"]))
    return theta + spread - 0.5 * (v["mu"] / 5) ** 2 - jnp.log1p((v["tau"] / 5) ** 2)


def numpyro_model(y):
    numpyro.sample("y", dist.Normal(numpyro.sample("mu", dist.Normal(0, 5)), 1.0), obs=y)


def readme():
    return {
        "log_joint": log_joint,
        "numpyro_model": numpyro_model,
        "args": (EFFECTS,),
    }


def gradients():
    q1, q2, q3 = (MeanField(np.full(3, mean), np.full(3, -1.0)) for mean in (0.0, 0.5, 1.0))
    return {
        "model": taut.models.LogisticRegression(),
        "data": labelled(),
        "q1": q1,
        "q2": q2,
        "q3": q3,
        "q": q1,
        "family": "mean-field",
        "mine": Reparametrization(samples=3),
    }


SUPPOSED = {"README.md": readme, "docs/gradients.md": gradients}
"""Page -> a function that makes its names."""
