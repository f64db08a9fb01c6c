"""Ordered levels as rows of the engine: only the gaps between thresholds are parameters of the likelihood.

P(y <= k) = sigmoid(c_k - eta) with c_1 < c_2 < ..., whose prior is that of independent N(0, sd) in order. The first
threshold is minus the intercept b0 of the linear predictor, c_1 = -b0, so that all thresholds may move together in q(w
given t). The others are c_k = s_k - b0, where s_k is a sum of gaps, whose logarithms are phi. The priors of the others,
N(s_k - b0; 0, sd), are rows of their own, which see b0 alone: y = -1 for the second threshold, -2 for the third.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from taut.algorithms.nested.layout import Factor, Layout
from taut.algorithms.nested.rows import CompiledRows
from taut.models.likelihoods.ordinal import Ordinal
from taut.models.support import Support
from taut.models.supports import positive

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Gaps:
    """The gaps between thresholds, as a parameter of the likelihood: flat but for what the rows say of them."""

    count: int
    name: str = "gap"
    field: str = "gaps"

    @property
    def support(self) -> Support:
        """Positive numbers."""
        return positive(self.count)

    def shown(self, kept: Any) -> Any:
        """The attribute as the value."""
        return jnp.asarray(kept)

    def from_free(self, free: Any) -> Any:
        """The gaps of their logarithms."""
        return jnp.exp(free)

    def log_prior_free(self, free: Any) -> Any:
        """The Jacobian of the logarithms, and (levels - 1)!: as often are independent thresholds in order."""
        return jnp.sum(free) + gammaln(self.count + 2.0)


class Graded(eqx.Module):
    """The ordinal likelihood with its first threshold at 0, and the priors of the others.

    Attributes:
        gaps: of neighbouring thresholds, all but one threshold.
        sd: of the thresholds' prior.
    """

    gaps: Any
    sd: float = eqx.field(static=True)

    def parameters(self, spread: float = 1.0) -> tuple[Gaps, ...]:
        """The gaps, if there are any."""
        return (Gaps(len(self.gaps)),) if len(self.gaps) else ()

    def with_parameters(self, values: Any) -> "Graded":
        """With other gaps, if there are any."""
        return Graded(values["gap"], self.sd) if values else self

    def log_prob(self, eta: Any, y: Any) -> Any:
        """Log p(y|eta) of the rows, and the log prior of thresholds."""
        away = self._away(eta, y)
        graded = self._ordinal().log_prob(eta, jnp.maximum(y, 0))
        return jnp.where(y < 0, -0.5 * (away / self.sd) ** 2 - np.log(self.sd) - 0.5 * LOG_2PI, graded)

    def expectation(self, m: Any, v: Any, y: Any) -> Any:
        """The expectations of `log_prob`."""
        value, slope, bend = self._ordinal().moments(m, v, jnp.maximum(y, 0))
        away = self._away(m, y) / self.sd
        prior = -0.5 * (away**2 + v / self.sd**2) - np.log(self.sd) - 0.5 * LOG_2PI
        ours = (prior, away / self.sd, 1 / self.sd**2)
        return tuple(jnp.where(y < 0, a, b) for a, b in zip(ours, (value, slope, bend), strict=True))

    def _thresholds(self) -> Any:
        return jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.asarray(self.gaps))])

    def _ordinal(self) -> Any:
        return Ordinal(len(self.gaps) + 2).with_parameters({"threshold": self._thresholds()})

    def _away(self, eta: Any, y: Any) -> Any:
        """The threshold of a row of priors, for eta = b0."""
        return jnp.take(self._thresholds(), jnp.maximum(-jnp.asarray(y), 0).astype(int)) - eta


def graded(
    fixed: np.ndarray,
    factors: Sequence[Factor],
    y: np.ndarray,
    levels: int,
    *,
    offset: np.ndarray | None = None,
    mean: np.ndarray | float = 0.0,
    sd: np.ndarray | float = 2.5,
    threshold_sd: float = 5.0,
    weights: np.ndarray | None = None,
) -> tuple[Layout, CompiledRows]:
    """The linear predictor of ordered levels and its rows; those of the thresholds' priors stand below.

    Args:
        fixed: `[n, P]`, with the column of ones of the intercept first.
        factors: the grouping factors.
        y: `[n]`, levels from 0.
        levels: how many there are.
        offset: `[n]`, or none.
        mean: the prior mean of the coefficients; the first gives way to the thresholds' prior.
        sd: their prior sd, likewise.
        threshold_sd: of the thresholds' prior.
        weights: `[n]`, how often each row counts; none for once.
    """
    n, P = fixed.shape
    more = levels - 2
    below = np.zeros((more, P))
    below[:, 0] = 1
    longer = [
        replace(x, index=np.append(x.index, np.zeros(more, int)), columns=_padded(x.columns, more)) for x in factors
    ]
    mean, sd = (np.array(np.broadcast_to(np.asarray(x, float), P)) for x in (mean, sd))
    mean[0], sd[0] = 0.0, threshold_sd
    offset = None if offset is None else _padded(offset, more)
    layout = Layout(np.vstack([fixed, below]), longer, offset, mean, sd)
    y = np.append(np.asarray(y, float), -np.arange(1.0, more + 1))
    weights = None if weights is None else np.append(weights, np.ones(more))[layout.order]
    gaps = tuple(np.diff(Ordinal(levels).thresholds).tolist())
    return layout, CompiledRows(Graded(gaps, float(threshold_sd)), y[layout.order], weights)


def thresholds(phi: np.ndarray) -> np.ndarray:
    """s_k, the thresholds plus the intercept, `[T, levels - 1]`, from phi `[T, levels - 2]`."""
    return np.pad(np.cumsum(np.exp(phi), 1), ((0, 0), (1, 0)))


def _padded(rows: np.ndarray, more: int) -> np.ndarray:
    return np.concatenate([rows, np.zeros((more, *rows.shape[1:]))])
