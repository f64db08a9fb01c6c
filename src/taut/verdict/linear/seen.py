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
from taut.models.base import Model

NEEDS = frozenset({Capability.LINEAR_PREDICTOR, Capability.CLOSED_LIKELIHOOD, Capability.GAUSSIAN_PRIOR})
"""What a model must offer."""
TOGETHER = 8192
"""Rows in one call."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """The rows of a regression, seen from q.

    Attributes:
        likelihood: p(y given eta).
        X: `[n, D]`, the design, its columns in `order`.
        y: the targets.
        counts: `[n]`, how often each row counts.
        prior_mean: `[D]`, of the Gaussian prior, in `order`.
        prior_precision: `[D]`.
        order: `[D]`, which coordinate comes first, second, ...
        mean: `[D]`, m.
        lower: `[D, D]`, L, lower triangular.
        weights: `[n, D]`, a = X L.
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

    @classmethod
    def of(cls, model: Any, batch: Batch, q: Gaussian, order: Int[np.ndarray, " D"] | None = None) -> "Seen":
        """See `model` on `batch` from `q`, whose coordinates are taken in `order`."""
        cut = model.units(batch)
        X, counts = np.asarray(model.predictor(batch.rows), float), np.asarray(cut.scale * cut.weights[0], float)
        order = np.arange(X.shape[1]) if order is None else order
        # The triangular root by QR: a covariance that is nearly singular has no Cholesky factor in rounded numbers.
        upper: Any = np.linalg.qr(q.factor[order].T, mode="r")
        lower = upper.T * np.sign(np.diag(upper))
        X = X[:, order]
        loc = np.broadcast_to(np.asarray(model.prior.loc, float), order.shape)[order]
        spread = np.asarray(model.prior.precision(len(order)), float)[order]
        y = jax.tree.map(np.asarray, batch.rows[1])
        return cls(model.likelihood, X, y, counts, loc, spread, order, q.mean[order], lower, X @ lower)

    @property
    def dim(self) -> int:
        """D."""
        return len(self.order)

    def moments(self) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Means and variances of the predictors under q."""
        return self.X @ self.mean, (self.weights**2).sum(1)

    def derivatives(self) -> tuple[Float[np.ndarray, " n"], ...]:
        """E_q of log p(y_i given eta_i) and of its first four derivatives in eta, times the rows' counts."""
        return tuple(self.counts * part for part in self._each(_derivatives, *self.moments(), np.arange(len(self.X))))

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
