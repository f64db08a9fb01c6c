"""Data replicated from draws of the posterior: what a check compares the observed data with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from taut.core.by_numpy import ByNumPy
from taut.core.compilation import Compiled
from taut.core.numpy_operations import Unsupported
from taut.models.likelihoods import Likelihood

MOST_WORK = 1e8
"""Numbers computed up to which NumPy takes less time than a compiled function with its compilation."""


@dataclass(frozen=True)
class Replicated:
    """Draws, the data observed, and data replicated.

    Attributes:
        likelihood: p(y given eta).
        values: the likelihood's parameters, `[S, ...]` each, by name.
        eta: `[S, n]`, predictors, with a last axis where the likelihood has several.
        y: observations as the likelihood takes them.
        rows: `[S, n]`, replicated.
        seed: of whatever is random in a check.
    """

    likelihood: Likelihood
    values: Mapping[str, np.ndarray]
    eta: np.ndarray
    y: Any
    rows: np.ndarray
    seed: int

    @property
    def observed(self) -> np.ndarray:
        """`[n]`, the part of y that is replicated."""
        return np.asarray(self.y[0] if isinstance(self.y, tuple) else self.y, float)

    @property
    def draws(self) -> list[Likelihood]:
        """The likelihood of each draw."""
        names = list(self.values)
        return [
            self.likelihood.with_parameters({name: self.values[name][s] for name in names})
            if names
            else self.likelihood
            for s in range(len(self.eta))
        ]

    def expected(self) -> np.ndarray:
        """`[n]`, the mean of y over draws."""
        known = self.likelihood.known(self.y)
        return np.asarray(over_draws(self.likelihood, self.values, self.eta, lambda at, eta: at.mean(eta, known))).mean(
            0
        )


def over_draws(likelihood: Likelihood, values: Mapping[str, Any], eta: Any, f: Any, *more: Any) -> Any:
    """f(likelihood of a draw, its eta, ...) for each draw.

    It runs but once, so that it is run by NumPy; where that lacks an operation, or there is much to do, it is compiled
    plainly.
    """
    per_draw = ({k: np.asarray(v) for k, v in values.items()}, np.asarray(eta), *more)
    leaves, structure = jax.tree.flatten(per_draw)
    arrays, static = eqx.partition(likelihood, eqx.is_array)
    own, own_structure = jax.tree.flatten(arrays)

    def one(own, draw):
        at = eqx.combine(jax.tree.unflatten(own_structure, own), static)
        return _of_draw(f, at, *jax.tree.unflatten(structure, draw))

    shapes = [jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for x in leaves]
    closed, found = jax.make_jaxpr(one, return_shape=True)(own, shapes)
    try:
        by_numpy = ByNumPy(closed, own)
    except Unsupported:
        return _each(f, likelihood, *per_draw, plain=True)
    if by_numpy.work * len(leaves[0]) > MOST_WORK:
        return _each(f, likelihood, *per_draw, plain=True)
    return jax.tree.unflatten(jax.tree.structure(found), by_numpy(*map(np.asarray, leaves)))


def _of_draw(f: Any, likelihood: Any, values: Any, eta: Any, *more: Any) -> Any:
    return f(likelihood.with_parameters(values) if values else likelihood, eta, *more)


@Compiled
def _each(f: Any, likelihood: Any, *per_draw: Any) -> Any:
    return jax.vmap(lambda *draw: _of_draw(f, likelihood, *draw))(*per_draw)


def replicate(likelihood: Likelihood, values: Mapping[str, Any], eta: Any, y: Any, seed: int = 0) -> Replicated:
    """Replicate the data once for each draw.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name; empty where it has none.
        eta: `[S, n]`, predictors of the rows at each draw, offsets included.
        y: observations as the likelihood takes them.
        seed: of the replicated data.
    """
    eta, values = np.asarray(eta, float), {name: np.asarray(value, float) for name, value in values.items()}
    # Quantiles at uniform numbers: JAX's random numbers would be compiled, which takes longer than the rest.
    uniform = np.random.default_rng(seed).random((len(eta), len(jax.tree.leaves(y)[0])))
    beside = {name: value[:, None] for name, value in values.items()}  # each row of a draw has the draw's values
    at = likelihood.with_parameters(beside) if beside else likelihood
    rows = at.quantile(eta, uniform, likelihood.known(y))
    return Replicated(likelihood, values, eta, y, np.asarray(rows, float), seed)
