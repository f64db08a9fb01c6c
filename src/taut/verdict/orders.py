"""Orders of the coordinates that a triangular map may take: each coordinate is bent given those before it."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.models.base import Model
from taut.models.density import Density
from taut.models.unknowns import Unknowns

DRAWS = 1024
"""Number of draws by which coordinates are ordered."""


def scales_first(unknowns: Unknowns) -> Int[np.ndarray, " D"]:
    """The order in which a hierarchy depends on its unknowns: positive scalars, other scalars, then vectors."""
    sizes = [int(np.prod(shape)) for shape in unknowns.free_shapes]
    rank = [(size > 1, kind != "positive") for size, kind in zip(sizes, unknowns.kinds, strict=True)]
    places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return np.concatenate([places[i] for i in sorted(range(len(sizes)), key=lambda i: rank[i])])


def orders(density: Density, q: Gaussian, model: Model, rng: np.random.Generator) -> Iterator[Int[np.ndarray, " D"]]:
    """Orders worth trying until one is trusted: scales first, hubs first, and both from the back, none twice.

    A model that names no unknowns, such as a regression, has no scales: its coordinates are taken as they come.

    Only trying tells which of two coordinates depends on the other: to third order "the scale of x depends on v" and
    "v bends with x squared" are one and the same.
    """
    unknowns = getattr(model, "parameters", None)
    named = scales_first(unknowns) if isinstance(unknowns, Unknowns) else np.arange(density.dim)
    yield named
    if density.dim == 1:
        return
    hubs = hubs_first(density, q, rng)  # costs gradients, so not before the first has been tried
    tried = {tuple(named.tolist())}
    for order in (hubs, named[::-1], hubs[::-1]):
        if tuple(order.tolist()) not in tried:
            tried.add(tuple(order.tolist()))
            yield order


def hubs_first(density: Density, q: Gaussian, rng: np.random.Generator) -> Int[np.ndarray, " D"]:
    """The order in which coordinates come first on which the precisions of many others depend.

    With standardised z and scores g, -E[g_i z_i z_j] says how the precision of i changes with z_j.
    """
    x = q.at(matched_draws(rng, DRAWS, density.dim))
    z, g = (x - q.mean) / q.sd, density(x).gradient * q.sd
    # A few wild draws must not decide.
    g = np.clip(g, *np.quantile(g, [0.01, 0.99], axis=0))
    depends = (z.T @ (g * z) / len(z)) ** 2
    np.fill_diagonal(depends, 0.0)
    return np.argsort(-depends.sum(1), kind="stable")
