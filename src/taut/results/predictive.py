"""Predictions of a regression by formula: of expected responses and of new ones, from draws of its answer."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.core.compilation import Compiled
from taut.models.hierarchy import likelihood_with
from taut.models.mixed import MixedModel
from taut.models.partial_correlations import correlation_root
from taut.results.mixture_quantiles import mixture_quantiles
from taut.results.node_moments import Moments
from taut.results.own_rows import own_values

NUMBERS_AT_ONCE = 4_000_000
"""Draws times rows (times predictors) that are held at once."""


class Probability(NamedTuple):
    """The probability of the label that counts as 1.

    Attributes:
        probability: `[n]`, its posterior mean.
        sd: `[n]`, its posterior sd.
        lower: `[n]`, lower end of its interval.
        upper: `[n]`, upper end.
    """

    probability: np.ndarray
    sd: np.ndarray
    lower: np.ndarray
    upper: np.ndarray


class Expected(NamedTuple):
    """The response.

    Attributes:
        mean: `[n]`, posterior mean of its expectation.
        sd: `[n]`, posterior sd of its expectation.
        lower: `[n]`, lower end of the interval of its expectation.
        upper: `[n]`, upper end.
        new_lower: `[n]`, lower end of the interval of a new response.
        new_upper: `[n]`, upper end.
    """

    mean: np.ndarray
    sd: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    new_lower: np.ndarray
    new_upper: np.ndarray


class Shares(NamedTuple):
    """The probability of each of K levels.

    Attributes:
        probability: `[n, K]`, posterior means.
        sd: `[n, K]`, posterior sds.
    """

    probability: np.ndarray
    sd: np.ndarray


@Compiled
def _moments(model: Any, own: Any, eta: Any, known: Any) -> Any:
    """Mean and sd of responses, for draws of the parameters `[S, L]` and of predictors `[S, n]`."""

    def one(free, eta):
        likelihood = likelihood_with(model.prior.own, model.likelihood, free)
        return likelihood.mean(eta, known), likelihood.sd(eta, known)

    return jax.vmap(one)(own, eta)


@Compiled
def _expected(model: Any, own: Any, eta: Any, known: Any) -> Any:
    """Expected responses, for draws of the parameters `[S, L]` and of predictors `[S, n, ...]`."""

    def one(free, eta):
        return likelihood_with(model.prior.own, model.likelihood, free).mean(eta, known)

    return jax.vmap(one)(own, eta)


@Compiled
def _levels(model: Any, own: Any, eta: Any) -> Any:
    """Probabilities of all levels, `[S, n, K]`."""

    def one(free, eta):
        likelihood: Any = likelihood_with(model.prior.own, model.likelihood, free)
        return likelihood.probabilities(eta)

    return jax.vmap(one)(own, eta)


class Predictor:
    """Predictions from draws of z.

    Args:
        model: The model.
        z: `[S, D]`, draws.
        weights: `[S]`, their weights, which sum to 1.
        labels: What the numbers of the response stand for; None where it holds numbers.
        seed: Of new effects.
    """

    def __init__(self, model: MixedModel, z: np.ndarray, weights: np.ndarray, labels: Any, seed: int):
        self.model, self.z, self.weights, self.labels, self.seed = model, np.asarray(z, float), weights, labels, seed
        self.parts = model.prior.parts(self.z)

    @property
    def kind(self) -> type[Probability] | type[Expected] | type[Shares]:
        """What is predicted, by what the likelihood's target is."""
        return {"labels": Probability, "numbers": Expected}.get(self.model.likelihood.target or "", Shares)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.kind._fields

    @functools.cached_property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels of a response of labels."""
        return () if self.labels is None else tuple(map(str, getattr(self.labels, "levels", ())))

    def in_words(self, response: str) -> str:
        """What is predicted of a response."""
        if self.kind is Shares:
            return f"the probability of each of {len(self.levels)} levels of '{response}'"
        what = f"'{response}'"
        if "trials" in self.model.likelihood.parts:
            what += " (successes; of one trial where the table has no trials)"
        return f"the expected {what}, its interval, and that of a new one,"

    def eta(self, rows: Any) -> Float[np.ndarray, "S n ..."]:
        """Draws of the predictors of rows as a formula gives them; new groups have effects of their own."""
        X, beta = self._columns(rows.X), self.parts.beta
        m = len(self.model.labels)
        eta = beta @ X.T if not m else np.einsum("smp,np->snm", beta.reshape(len(beta), m, -1), X)
        if rows.offset is not None:
            eta = eta + (rows.offset[:, None] if m else rows.offset)
        rng = np.random.default_rng([self.seed, 2])
        for k, (group, seen) in enumerate(zip(self.model.prior.groups, rows.groups, strict=True)):
            u = self.parts.effects[k]
            if seen.unseen:
                u = np.concatenate([u, self._new_effects(k, len(seen.unseen), rng)], axis=2)
            index = np.where(seen.index < 0, len(group.levels) + seen.fresh, seen.index)
            eta = eta + np.einsum("nq,sqn->sn", seen.Z, u[:, :, index])
        return eta

    def _columns(self, X: np.ndarray) -> np.ndarray:
        """With the intercept that thresholds stand for."""
        extra = len(self.model.columns) - X.shape[1]
        return np.column_stack([np.ones((len(X), extra)), X]) if extra else X

    def _new_effects(self, k: int, count: int, rng: np.random.Generator) -> Float[np.ndarray, "S q count"]:
        """Effects of groups that were not there to learn from, from N(0, D R D) of each draw."""
        sds, q = np.exp(self.parts.log_sds[k]), len(self.model.prior.groups[k].terms)
        root = correlation_root(self.parts.partial[k], q, np)
        noise = rng.standard_normal((len(sds), q, count))
        rows = [sds[:, i, None] * sum(a[:, None] * noise[:, j] for j, a in enumerate(root[i])) for i in range(q)]
        return np.stack(rows, axis=1)

    def predict(self, rows: Any, level: float) -> Any:
        """The predictive distribution of each row: a named tuple of columns."""
        found = [self._of_some(some, level) for some in self._blocks(rows)]
        return self.kind(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def moments(self, rows: Any) -> Moments:
        """Moments of the response of each row, for a likelihood of numbers."""
        found = []
        for some in self._blocks(rows):
            with precision.context(np.dtype("float64")):
                answer = _moments(self.model, self.parts.own, self.eta(some), self._known(some), plain=True)
            expected, noise = map(np.asarray, answer)
            mean = self.weights @ expected
            variance = self.weights @ (expected - mean) ** 2
            found.append(Moments(mean, np.sqrt(variance), np.sqrt(variance + self.weights @ noise**2)))
        return Moments(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _blocks(self, rows: Any) -> Iterator[Any]:
        size = max(1, NUMBERS_AT_ONCE // (len(self.z) * max(1, self.model.likelihood.outputs)))
        n = len(rows.X)
        for at in range(0, max(n, 1), size):
            yield rows_of(rows, slice(at, min(at + size, n)))

    def _of_some(self, rows: Any, level: float) -> Any:
        eta, weights = self.eta(rows), self.weights
        ends = (0.5 - 0.5 * level, 0.5 + 0.5 * level)
        with precision.context(np.dtype("float64")):
            if self.kind is Shares:
                p = np.asarray(_levels(self.model, self.parts.own, eta, plain=True))
                mean = np.einsum("s,snk->nk", weights, p)
                return Shares(mean, np.sqrt(np.maximum(np.einsum("s,snk->nk", weights, (p - mean) ** 2), 0)))
            known = self._known(rows)
            expected = np.asarray(_expected(self.model, self.parts.own, eta, known, plain=True))
            mean = weights @ expected
            sd = np.sqrt(weights @ (expected - mean) ** 2)
            own = (mean, sd, *quantiles(expected, weights, ends))
            if self.kind is Probability:
                return Probability(*own)
            values = own_values(self.model, self.z)
            return Expected(*own, *mixture_quantiles(self.model.likelihood, values, eta, weights, known, ends))

    def _known(self, rows: Any) -> Any:
        """What of the response is known beforehand: the trials of a binomial, where the table has them."""
        if rows.response is None or rows.response.trials is None:
            return None
        return jnp.asarray(rows.response.trials)


def rows_of(rows: Any, some: slice) -> Any:
    """Some of the rows of a formula."""
    groups = tuple(g._replace(index=g.index[some], Z=g.Z[some], fresh=g.fresh[some]) for g in rows.groups)
    response = rows.response
    if response is not None and response.trials is not None:
        response = response._replace(trials=response.trials[some])
    offset = None if rows.offset is None else rows.offset[some]
    return rows._replace(X=rows.X[some], offset=offset, groups=groups, response=response)


def quantiles(values: Float[np.ndarray, "S n"], weights: np.ndarray, at: tuple[float, float]) -> list[np.ndarray]:
    """Weighted quantiles of each column."""
    if np.ptp(weights) == 0:
        return list(np.quantile(values, at, axis=0))
    return list(np.quantile(values, at, axis=0, weights=weights, method="inverted_cdf"))
