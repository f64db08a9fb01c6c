"""A likelihood of `taut.models` with its rows, as the engine wants it, in double precision.

The engine asks for the expectations of all rows at few or many cells of t, in numbers that change from call to call.
A likelihood is written for one cell. Where its rows are few it is run by NumPy at all cells at once, which needs no
compilation; where they are many it is compiled once, for a fixed number of cells.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.by_numpy import ByNumPy
from taut.core.numpy_operations import Unsupported

DOUBLE = np.dtype("float64")
MOST_WORK = 1e6
"""Numbers computed for a cell up to which NumPy takes less time than a compiled function with its compilation."""
NUMBERS, MOST_CELLS = 2**17, 512
"""Rows times cells in one compiled call for log densities, and the most cells."""
SEARCHES, FOUND = 30, 1e-3
WEAK = 1e-3
"""Precision of the prior that keeps the start of a row finite."""


class CompiledRows:
    """log p(y given eta, phi) of rows.

    Args:
        likelihood: a likelihood with `expectation(m, v, y)`, `parameters(spread)` and `with_parameters(values)`.
        y: its observations, an array `[n]` or several, in the order of `Layout.order`.
        weights: `[n]`, how often each row counts; none for once.
        spread: the unit of a residual sd.

    Attributes:
        parameters: the number of unconstrained numbers in phi: the likelihood's parameters one after another.
    """

    def __init__(self, likelihood: Any, y: Any, weights: np.ndarray | None = None, spread: float = 1.0):
        self._likelihood, self._spread, self._y = likelihood, spread, y
        self.parameters = sum(_sizes(likelihood, spread))
        self._n = len(jax.tree.leaves(y)[0])
        weights = np.ones(self._n) if weights is None else np.asarray(weights, float)
        with precision.context(DOUBLE):
            data = jax.tree.map(lambda part: np.asarray(part, float), (y, weights))
            arrays, static = eqx.partition((likelihood, data), eqx.is_array)
            self._leaves, tree = jax.tree.flatten(arrays)
            shapes = tuple((x.shape, x.dtype.name) for x in self._leaves)
            leaves, structure = jax.tree.flatten(static)
            self._key = (tuple(leaves), structure, tree, shapes, spread)
        self._each = np.where(weights > 0, weights, 1.0)  # a row that counts twice starts where it starts once

    def initial(self) -> np.ndarray:
        """The likelihood's own values, unconstrained."""
        with precision.context(DOUBLE):
            parts = [
                np.ravel(p.support.transform.inv(p.shown(getattr(self._likelihood, p.field))))
                for p in self._likelihood.parameters(self._spread)
            ]
        return np.concatenate([np.zeros(0), *parts])

    def start(self) -> np.ndarray:
        """The most likely predictor of each row by itself: y, or by Newton's steps whose bound grows with need."""
        if getattr(self._likelihood, "link", None) == "identity":
            return np.asarray(self._y, float)
        phi = self.initial()[None]
        eta, bound = np.zeros((1, self._n)), 1.0
        for _ in range(SEARCHES):
            slope, bend = (x / self._each for x in self.expect(eta, np.full_like(eta, 1e-2), phi)[1:])
            step = (slope - WEAK * eta) / (np.maximum(bend, 0) + WEAK)
            eta = eta + np.clip(step, -bound, bound)
            if np.abs(step).max() < FOUND:
                break
            bound = 2 * bound if np.median(np.abs(step)) > bound else max(1.0, bound / 2)
        return eta[0]

    def expect(self, m: np.ndarray, v: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, slopes and curvatures, `[T, n]` each, for phi `[T, L]`."""
        value, slope, bend = self._rows(phi, m, v)
        return value, slope, bend

    def log_prob(self, eta: np.ndarray, phi: np.ndarray) -> np.ndarray:
        """Log p(y given eta, phi) of each row, `[N, n]`, at predictors `[N, n]` and phi `[N, L]`."""
        return self._densities(phi, eta)[0]

    def log_prior(self, phi: np.ndarray) -> np.ndarray:
        """The log density of phi, `[T]`."""
        return self._prior(phi)[0]

    @functools.cached_property
    def _rows(self) -> Callable[..., Any]:
        return self._at_cells(_expectations, 1, self._n, self._n)

    @functools.cached_property
    def _densities(self) -> Callable[..., Any]:
        return self._at_cells(_log_densities, int(np.clip(NUMBERS // self._n, 1, MOST_CELLS)), self._n)

    @functools.cached_property
    def _prior(self) -> Callable[..., Any]:
        return self._at_cells(_log_prior, 1)

    def _at_cells(self, function: Any, cells: int, *sizes: int) -> Callable[..., Any]:
        """A function of one cell at any number of cells: phi, and arguments of these sizes."""
        sizes = (self.parameters, *sizes)
        with precision.context(DOUBLE):
            try:
                by_numpy = ByNumPy(_traced(function, self._key, sizes), self._leaves)
                if by_numpy.work <= MOST_WORK:
                    return by_numpy
            except Unsupported:
                pass
            call = functools.partial(
                _compiled(function, self._key, cells, sizes), [jnp.asarray(x) for x in self._leaves]
            )

        def in_double(*arguments):
            with precision.context(DOUBLE):
                return in_blocks(call, cells, *arguments)

        return in_double


def _sizes(likelihood: Any, spread: float) -> list[int]:
    return [math.prod(p.support.free_shape) for p in likelihood.parameters(spread)]


def _split(likelihood: Any, spread: float, phi: Any) -> list[tuple[Any, Any]]:
    """Each parameter with its part of phi, in its shape."""
    out, at = [], 0
    for p, size in zip(likelihood.parameters(spread), _sizes(likelihood, spread), strict=True):
        out.append((p, phi[at : at + size].reshape(p.support.free_shape)))
        at += size
    return out


def _parts(key: Any, arrays: Any) -> tuple[Any, tuple[Any, Any]]:
    """The likelihood, and its observations and weights."""
    leaves, structure, tree, _, _ = key
    return eqx.combine(jax.tree.unflatten(tree, arrays), jax.tree.unflatten(structure, leaves))


def _at(key: Any, arrays: Any, phi: Any) -> tuple[Any, Any, Any]:
    """The likelihood of this phi, its observations and weights."""
    likelihood, (y, weights) = _parts(key, arrays)
    values = {p.name: p.from_free(part) for p, part in _split(likelihood, key[-1], phi)}
    return likelihood.with_parameters(values) if values else likelihood, y, weights


def _expectations(key: Any, arrays: Any, phi: Any, m: Any, v: Any) -> Any:
    """The rows' expectations at one cell."""
    likelihood, y, weights = _at(key, arrays, phi)
    return tuple(weights * x for x in likelihood.expectation(m, v, y))


def _log_densities(key: Any, arrays: Any, phi: Any, eta: Any) -> Any:
    """The rows' log densities at one point."""
    likelihood, y, weights = _at(key, arrays, phi)
    return (weights * likelihood.log_prob(eta, y),)


def _log_prior(key: Any, arrays: Any, phi: Any) -> Any:
    """The prior's log density at one cell."""
    likelihood = _parts(key, arrays)[0]
    return (sum((p.log_prior_free(part) for p, part in _split(likelihood, key[-1], phi)), jnp.zeros(())),)


def _shapes(key: Any) -> list[Any]:
    return [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in key[3]]


@functools.lru_cache(maxsize=64)
def _traced(function: Any, key: Any, sizes: tuple[int, ...]) -> Any:
    """The jaxpr of a function of one cell, for all data of these shapes."""
    wide = [jax.ShapeDtypeStruct((size,), DOUBLE) for size in sizes]
    return jax.make_jaxpr(functools.partial(function, key))(_shapes(key), *wide)


@functools.lru_cache(maxsize=64)
def _compiled(function: Any, key: Any, cells: int, sizes: tuple[int, ...]) -> Any:
    """A function of one cell, compiled at so many cells for all data of these shapes."""

    def at_cells(arrays, *arguments):
        if cells > 1:
            return jax.vmap(functools.partial(function, key, arrays))(*arguments)
        # Without vmap, under which both branches of a choice of quadrature would be computed.
        return tuple(x[None] for x in function(key, arrays, *(x[0] for x in arguments)))

    wide = [jax.ShapeDtypeStruct((cells, size), DOUBLE) for size in sizes]
    return jax.jit(at_cells).lower(_shapes(key), *wide).compile()
