"""A likelihood of `taut.models` with its rows, as the engine wants it: compiled once, called for blocks of cells.

The engine asks for the expectations of all rows at few or many cells of t, in numbers that change from call to call.
JAX compiles anew for every shape, so that one block of cells is compiled, in double precision, and filled up.
"""

import functools
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.compilation import PLAIN, rejects_options

DOUBLE = np.dtype("float64")
BLOCK = 2048
"""Rows times cells in one call, for few rows; many rows are a call for each cell."""
MOST_CELLS = 8
SEARCHES = 30
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
        self._sizes = _sizes(likelihood, spread)
        self.parameters = sum(self._sizes)
        n = len(jax.tree.leaves(y)[0])
        self._blocks = sorted({1, int(np.clip(BLOCK // n, 1, MOST_CELLS))})
        weights = np.ones(n) if weights is None else np.asarray(weights, float)
        with precision.context(DOUBLE):
            data = jax.tree.map(lambda part: jnp.asarray(np.asarray(part, float)), (y, weights))
            arrays, static = eqx.partition((likelihood, data), eqx.is_array)
            self._leaves, tree = jax.tree.flatten(arrays)
            shapes = tuple((x.shape, x.dtype.name) for x in self._leaves)
            leaves, structure = jax.tree.flatten(static)
            key = (tuple(leaves), structure, tree, shapes, spread)
            self._rows = [_compiled_rows(key, cells, n, self.parameters) for cells in self._blocks]
            self._prior = _compiled_prior(key, self.parameters)
        self._n = n
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
            bound = 2 * bound if np.median(np.abs(step)) > bound else max(1.0, bound / 2)
        return eta[0]

    def expect(self, m: np.ndarray, v: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, slopes and curvatures, `[T, n]` each, for phi `[T, L]`."""
        size = 0 if len(m) == 1 else -1
        call = functools.partial(self._rows[size], self._leaves)
        with precision.context(DOUBLE):
            value, slope, bend = in_blocks(call, self._blocks[size], phi, m, v)
        return value, slope, bend

    def log_prior(self, phi: np.ndarray) -> np.ndarray:
        """The log density of phi, `[T]`."""
        with precision.context(DOUBLE):
            return in_blocks(functools.partial(self._prior, self._leaves), MOST_CELLS, phi)[0]


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


@functools.lru_cache(maxsize=64)
def _compiled_rows(key: Any, cells: int, n: int, own: int) -> Any:
    """The rows' expectations at so many cells, for all data of these shapes."""

    def rows(arrays, phi, m, v):
        likelihood, (y, weights) = _parts(key, arrays)

        def cell(at):
            phi, m, v = at
            values = {p.name: p.from_free(part) for p, part in _split(likelihood, key[-1], phi)}
            return tuple(weights * x for x in likelihood.with_parameters(values).expectation(m, v, y))

        if not own:
            return tuple(weights * x for x in likelihood.expectation(m, v, y))
        # One cell after another: under vmap both branches of a choice of quadrature would be computed.
        return jax.lax.map(cell, (phi, m, v))

    narrow, wide = (jax.ShapeDtypeStruct((cells, size), DOUBLE) for size in (own, n))
    return jax.jit(rows).lower(_shapes(key), narrow, wide, wide).compile()


@functools.lru_cache(maxsize=64)
def _compiled_prior(key: Any, own: int) -> Any:
    """The prior's density."""

    def prior(arrays, phi):
        likelihood = _parts(key, arrays)[0]

        def log_prior(phi):
            return sum((p.log_prior_free(part) for p, part in _split(likelihood, key[-1], phi)), jnp.zeros(()))

        return (jax.vmap(log_prior)(phi),)

    return _plain(prior, _shapes(key), jax.ShapeDtypeStruct((MOST_CELLS, own), DOUBLE))


def _shapes(key: Any) -> list[Any]:
    return [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in key[3]]


def _plain(function: Any, *shapes: Any) -> Any:
    """Compiled without optimisation, which takes longer than all calls."""
    lowered = jax.jit(function).lower(*shapes)
    if jax.default_backend() != "cpu":
        return lowered.compile()
    try:
        return lowered.compile(compiler_options=PLAIN)
    except Exception as error:
        if not rejects_options(error):
            raise
        return lowered.compile()
