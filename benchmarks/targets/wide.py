"""Posteriors of up to ten thousand unknowns: the truth is closed, or long chains whose moments are in `truths/`.

The chains are Hamiltonian Monte Carlo with the mass matrix of the curvature at the mode, 256 at once on a GPU.
"""

import jax
import jax.numpy as jnp
import numpy as np

from taut.models import LogDensity, real

from .densities import normal
from .sampled import stored
from .target import Target, known

BASE_RATE = 1.0
"""Mean number of points in a cell of the Cox process."""


def independent(dim: int = 2000) -> Target:
    """Independent normals whose sds span four orders of magnitude."""
    random = np.random.default_rng(dim)
    sd = random.permutation(np.geomspace(1e-2, 1e2, dim))
    mean = sd * random.normal(size=dim)
    return known(
        f"independent-{dim}",
        LogDensity(lambda v: jnp.sum(normal(v["x"], mean, sd)), parameters={"x": real(dim)}),
        mean={"x": mean},
        sd={"x": sd},
        log_normaliser=0.0,
        tags={"wide", "gaussian-fits"},
        how="closed",
    )


def autoregressive(dim: int = 2000, correlation: float = 0.9) -> Target:
    """A stationary first-order autoregression: no factor and no diagonal describes it."""
    innovation = float(np.sqrt(1 - correlation**2))

    def log_joint(v):
        x = v["x"]
        return normal(x[0]) + jnp.sum(normal(x[1:], correlation * x[:-1], innovation))

    return known(
        f"autoregressive-{dim}",
        LogDensity(log_joint, parameters={"x": real(dim)}),
        mean={"x": np.zeros(dim)},
        sd={"x": np.ones(dim)},
        log_normaliser=0.0,
        tags={"wide"},
        how="closed",
    )


def factor(dim: int, rank: int = 10) -> Target:
    """A normal whose precision is a diagonal and `rank` directions, in units that differ by a factor of a hundred."""
    random = np.random.default_rng(dim)
    scale = random.permutation(np.geomspace(0.1, 10.0, dim))
    directions = random.normal(size=(dim, rank)) * np.geomspace(1.0, 0.1, rank)
    mean = scale * random.normal(size=dim)
    # (I + F F')^{-1} = I - F (I + F'F)^{-1} F'
    small = np.eye(rank) + directions.T @ directions
    variance = 1 - np.sum(directions * np.linalg.solve(small, directions.T).T, axis=1)
    half_log_det = 0.5 * np.linalg.slogdet(small)[1] - np.log(scale).sum()

    def log_joint(v):
        u = (v["x"] - mean) / scale
        return jnp.sum(normal(u)) - 0.5 * jnp.sum((directions.T @ u) ** 2) + half_log_det

    return known(
        f"factor-{dim}",
        LogDensity(log_joint, parameters={"x": real(dim)}),
        mean={"x": mean},
        sd={"x": scale * np.sqrt(variance)},
        log_normaliser=0.0,
        tags={"wide", "gaussian-fits"},
        how="closed",
    )


def laplace(dim: int) -> Target:
    """Independent Laplace variables: their log density has a kink at its mode."""
    scale = np.geomspace(0.1, 10.0, dim)

    def log_joint(v):
        return jnp.sum(-jnp.abs(v["x"]) / scale - jnp.log(2 * scale))

    return known(
        f"laplace-{dim}",
        LogDensity(log_joint, parameters={"x": real(dim)}),
        mean={"x": np.zeros(dim)},
        sd={"x": np.sqrt(2) * scale},
        log_normaliser=0.0,
        tags={"wide", "heavy-tailed"},
        how="closed",
    )


def cox_model(side: int = 40, whitened: bool = True) -> LogDensity:
    """A log-Gaussian Cox process on a grid: counts y ~ Poisson(exp(f)), f a Gaussian process of length 0.1.

    Whitened, its unknowns are z with f = m + L z and L L' the covariance; otherwise they are f.
    """
    random = np.random.default_rng(side)
    grid = (np.stack(np.meshgrid(*2 * [np.arange(side)]), axis=-1).reshape(-1, 2) + 0.5) / side
    apart = np.linalg.norm(grid[:, None] - grid, axis=-1)
    root = np.linalg.cholesky(np.exp(-apart / 0.1) + 1e-8 * np.eye(side**2))
    middle = np.log(BASE_RATE) - 0.5
    y = random.poisson(np.exp(middle + root @ random.normal(size=side**2))).astype(float)
    to_white = np.linalg.inv(root)

    def white(v):
        f = middle + jnp.asarray(root) @ v["z"]
        return jnp.sum(y * f - jnp.exp(f)) + jnp.sum(normal(v["z"]))

    def plain(v):
        f = v["f"]
        return jnp.sum(y * f - jnp.exp(f)) + jnp.sum(normal(jnp.asarray(to_white) @ (f - middle)))

    if whitened:
        return LogDensity(white, parameters={"z": real(side**2)})
    return LogDensity(plain, parameters={"f": real(side**2)})


def items_model(persons: int, items: int = 100) -> LogDensity:
    """Two-parameter item responses: y_pi ~ Bernoulli(sigmoid(exp(a_i) t_p - b_i)), t ~ N(0, 1)."""
    random = np.random.default_rng(persons)
    ability, slope, easy = random.normal(size=persons), 0.4 * random.normal(size=items), random.normal(size=items)
    logits = np.exp(slope) * ability[:, None] - easy
    y = (random.random((persons, items)) < 1 / (1 + np.exp(-logits))).astype(float)

    def log_joint(v):
        eta = jnp.exp(v["log_slope"]) * v["ability"][:, None] - v["difficulty"]
        prior = jnp.sum(normal(v["ability"])) + jnp.sum(normal(v["log_slope"], 0.0, 0.5))
        return prior + jnp.sum(normal(v["difficulty"], 0.0, 2.0)) + jnp.sum(y * eta - jax.nn.softplus(eta))

    return LogDensity(
        log_joint, parameters={"ability": real(persons), "difficulty": real(items), "log_slope": real(items)}
    )


def cox(whitened: bool) -> Target:
    """1,600 cells with one point in each on average; the same process and the same chains in both forms."""
    return stored("cox-1600" if whitened else "cox-1600-plain", cox_model(whitened=whitened), {"wide", "skewed"})


def items(persons: int) -> Target:
    """`persons` abilities, 100 difficulties and 100 slopes."""
    return stored(f"items-{persons + 200}", items_model(persons), {"wide"})
