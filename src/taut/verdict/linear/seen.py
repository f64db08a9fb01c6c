r"""A regression as its posterior sees it: rows through linear predictors, coordinates whitened by q.

With q(w) = N(m, S), S = L L' and w = m + L z, the predictor of row i is eta_i = x_i' m + sum_k a_ik z_k, a = X L. So
every expectation under q of a function of one row is an expectation over one normal number, and so are its derivatives
in z: E d^k/dz^k l_i = a_ik^k E l_i^(k)(eta_i).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from taut.algorithms.on_density.gaussians import Gaussian
from taut.core import precision
from taut.core.batch import Batch
from taut.core.blocks import in_blocks
from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.families.bent import KNOTS
from taut.models.base import Model

NEEDS = frozenset({Capability.LINEAR_PREDICTOR, Capability.CLOSED_LIKELIHOOD, Capability.GAUSSIAN_PRIOR})
"""What a model must offer."""
TOGETHER = 8192
"""Rows in one call."""
LEANS = 0.3
"""Weight of a bent coordinate in a predictor from which its mean and variance do not say enough of it."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """The rows of a regression, seen from q.

    Attributes:
        likelihood: p(y given eta).
        X: `[n, D]`, the design, its columns as the model has them.
        y: the targets.
        counts: `[n]`, how often each row counts.
        prior_mean: `[D]`, of the Gaussian prior, in `order`.
        prior_precision: `[D]`.
        order: `[D]`, which coordinate comes first, second, ...
        mean: `[D]`, m.
        lower: `[D, D]`, L; lower triangular once it is `reordered`.
        weights: `[n, D]`, a = X L, rows of L in the order of the columns.
        m: `[n]`, means of the predictors.
        v: `[n]`, their variances.
        derivatives: `[n]` each, E_q of log p(y_i given eta_i) and of its first four derivatives in eta, times the rows'
            counts.
    """

    likelihood: Any
    X: Float[np.ndarray, "n D"]
    y: Any
    counts: Float[np.ndarray, " n"]
    prior_mean: Float[np.ndarray, " D"]
    prior_precision: Float[np.ndarray, " D"]
    order: Int[np.ndarray, " D"]
    mean: Float[np.ndarray, " D"]
    lower: Float[np.ndarray, "D D"]
    weights: Float[np.ndarray, "n D"]
    m: Float[np.ndarray, " n"]
    v: Float[np.ndarray, " n"]
    derivatives: tuple[Float[np.ndarray, " n"], ...] = ()

    @classmethod
    def of(cls, model: Any, batch: Batch, q: Gaussian) -> "Seen":
        """See `model` on `batch` from `q`."""
        cut = model.units(batch)
        X, counts = np.asarray(model.predictor(batch.rows), float), np.asarray(cut.scale * cut.weights[0], float)
        order = np.arange(X.shape[1])
        loc = np.broadcast_to(np.asarray(model.prior.loc, float), order.shape)
        spread = np.asarray(model.prior.precision(len(order)), float)
        y, weights = jax.tree.map(np.asarray, batch.rows[1]), X @ q.factor
        moments = X @ q.mean, (weights**2).sum(1)
        whole = cls(model.likelihood, X, y, counts, loc, spread, order, q.mean, q.factor, weights, *moments)
        return dataclasses.replace(whole, derivatives=whole.derived())

    def reordered(self, places: Int[np.ndarray, " D"]) -> "Seen":
        """The same with other coordinates first: those at `places` in the present order. Moments stay as they are."""
        # The triangular root by QR: a covariance that is nearly singular has no Cholesky factor in rounded numbers.
        upper: Any = np.linalg.qr(self.lower[places].T, mode="r")
        lower, order = upper.T * np.sign(np.diag(upper)), self.order[places]
        prior = {"prior_mean": self.prior_mean[places], "prior_precision": self.prior_precision[places]}
        moved: Any = {"order": order, "mean": self.mean[places], "lower": lower, **prior}
        return dataclasses.replace(self, **moved, weights=self.X @ lower[np.argsort(order)])

    @property
    def dim(self) -> int:
        """D."""
        return len(self.order)

    def beside(self, values: Float[np.ndarray, "S knots"]) -> "Seen":
        """The rows as the others see them where the first S coordinates are bent: y_k = f_k(z_k), by `values` at knots.

        A row that leans on a bent coordinate becomes a row for each knot, which counts by the knot's probability. For
        all others the mean and the variance of the bent coordinates are enough.
        """
        p = np.exp(-0.5 * KNOTS**2)
        p /= p.sum()
        mean = values @ p
        more = (values - mean[:, None]) ** 2 @ p - 1
        a = self.weights[:, : len(values)]
        m, v = self.m + a @ mean, self.v + a**2 @ more
        size = np.abs(a)
        leans, on = np.flatnonzero(size.max(1) > LEANS), size.argmax(1)
        k, others = on[leans], np.flatnonzero(size.max(1) <= LEANS)
        weight, count = a[leans, k], len(KNOTS)
        at = (m[leans] - weight * mean[k])[:, None] + weight[:, None] * values[k]
        left = np.repeat(v[leans] - weight**2 * (1 + more[k]), count)
        rows = np.concatenate([others, np.repeat(leans, count)])
        weights = self.weights[rows]
        weights[len(others) + np.arange(len(leans) * count), np.repeat(k, count)] = 0.0
        found = dataclasses.replace(
            self,
            X=self.X[rows],
            y=jax.tree.map(lambda part: part[rows], self.y),
            counts=self.counts[rows] * np.concatenate([np.ones(len(others)), np.tile(p, len(leans))]),
            weights=weights,
            m=np.concatenate([m[others], at.ravel()]),
            v=np.concatenate([v[others], np.maximum(left, 0.0)]),
        )
        return dataclasses.replace(found, derivatives=found.derived())

    def derived(self) -> tuple[Float[np.ndarray, " n"], ...]:
        """`derivatives`, by m and v."""
        return tuple(self.counts * part for part in self._each(_derivatives, self.m, self.v, np.arange(len(self.m))))

    def expected(
        self, m: Float[np.ndarray, " N"], v: Float[np.ndarray, " N"], row: Int[np.ndarray, " N"]
    ) -> Float[np.ndarray, " N"]:
        """E log p(y_row given eta) for eta ~ N(m, v), times the row's count."""
        return self.counts[row] * self._each(_expected, m, v, row)[0]

    def _each(self, function: Any, m: np.ndarray, v: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, ...]:
        def block(m, v, *parts):
            return function(self.likelihood, m, v, jax.tree.unflatten(structure, parts), plain=True)

        parts, structure = jax.tree.flatten(jax.tree.map(lambda part: part[row], self.y))
        with precision.context(np.dtype("float64")):
            return in_blocks(block, min(TOGETHER, _rounded(len(m))), m, np.maximum(v, 0.0), *parts)


def _rounded(count: int) -> int:
    """The next power of two, so that few sizes are compiled."""
    return 1 << max(6, int(count - 1).bit_length())


def serves(model: Model) -> bool:
    """Whether a model is seen through linear predictors with closed expectations, under a Gaussian prior."""
    return model.offers >= NEEDS and getattr(model, "likelihood", None) is not None


def _expected_rows(likelihood, m, v, y):
    return (likelihood.expected_log_prob(m, v, y),)


def _derivatives_of_rows(likelihood, m, v, y):
    def derivative(f):
        return lambda m: jax.jvp(f, (m,), (jnp.ones_like(m),))[1]

    functions = [lambda m: likelihood.expected_log_prob(m, v, y)]
    for _ in range(4):
        functions.append(derivative(functions[-1]))
    return tuple(f(m) for f in functions)


_expected, _derivatives = Compiled(_expected_rows), Compiled(_derivatives_of_rows)
