"""Data replicated from draws of the posterior: what a check compares the observed data with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taut.core.compilation import Compiled
from taut.models.likelihoods import Likelihood


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
    """f(likelihood of a draw, its eta, ...) for each draw, compiled once: plainly, since it runs but once."""
    values = {k: jnp.asarray(v) for k, v in values.items()}
    return _each(f, likelihood, values, jnp.asarray(eta), *more, plain=True)


@Compiled
def _each(f: Any, likelihood: Any, values: Any, eta: Any, *more: Any) -> Any:
    def one(values, eta, *more):
        return f(likelihood.with_parameters(values) if values else likelihood, eta, *more)

    return jax.vmap(one)(values, eta, *more)


def replicate(likelihood: Likelihood, values: Mapping[str, Any], eta: Any, y: Any, seed: int = 0) -> Replicated:
    """Replicate the data once for each draw.

    Args:
        likelihood: p(y given eta).
        values: its parameters at each draw, by name; empty where it has none.
        eta: `[S, n]`, predictors of the rows at each draw, offsets included.
        y: observations as the likelihood takes them.
        seed: of the replicated data.
    """
    known = likelihood.known(y)
    known = None if known is None else jnp.asarray(known)
    keys = jax.random.split(jax.random.key(seed), len(eta))
    rows = over_draws(likelihood, values, eta, lambda at, eta, key: at.sample(key, eta, known), keys)
    values = {name: np.asarray(value) for name, value in values.items()}
    return Replicated(likelihood, values, np.asarray(eta), y, np.asarray(rows, float), seed)
