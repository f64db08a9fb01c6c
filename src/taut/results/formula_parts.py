"""Coefficients of a formula as linear functions of beta, and some of its rows."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

from taut.algorithms.nested.family import NestedGaussian
from taut.models.mixed import MixedModel
from taut.results.marginals import NormalMixtures

if TYPE_CHECKING:
    from taut.data import FormulaDesign


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """What the table of coefficients shows: thresholds c_k = s_k - b, then coefficients, each linear in beta.

    Attributes:
        names: `[M]`.
        coded: `[M, P]`, rows of the linear functions for coded columns.
        raw: `[M, P]`, the same for one unit of the table's columns.
        thresholds: How many of the M are thresholds, which s_k is added to.
    """

    names: tuple[str, ...]
    coded: Float[np.ndarray, "M P"]
    raw: Float[np.ndarray, "M P"]
    thresholds: int

    def _shift(self, model: MixedModel, own: Float[np.ndarray, "S L"]) -> Float[np.ndarray, "S M"]:
        levels = model.prior.own.at_levels(np.asarray(own, float))
        return np.pad(levels, ((0, 0), (0, len(self.names) - self.thresholds)))

    def values(self, model: MixedModel, beta: Any, own: Any, raw: bool) -> Float[np.ndarray, "S M"]:
        """Their values at draws of the coefficients and of the likelihood's parameters."""
        return np.asarray(beta) @ (self.raw if raw else self.coded).T + self._shift(model, own)

    def at_nodes(self, model: MixedModel, nodes: NestedGaussian, raw: bool) -> NormalMixtures:
        """Their exact distributions under a nested answer."""
        L, P = self.raw if raw else self.coded, self.coded.shape[1]
        means = np.asarray(nodes.means, float)[:, :P] @ L.T
        variances = np.einsum("mp,cpq,mq->cm", L, np.asarray(nodes.covariances, float), L)
        t = np.asarray(nodes.scales, float)
        own = t[:, t.shape[1] - model.prior.own.size :]
        sds = np.sqrt(np.maximum(variances, 0))
        return NormalMixtures(np.asarray(nodes.weights, float), means + self._shift(model, own), sds)


def coefficients(model: MixedModel, design: "FormulaDesign") -> Coefficients:
    """The table's rows: of a formula whose thresholds stand for an intercept these come in its place."""
    A: Any = design.raw_scale().matrix
    extra = len(model.columns) - len(A)
    A = scipy.linalg.block_diag(np.eye(extra), A) if extra else A
    A = scipy.linalg.block_diag(*[A] * max(1, len(model.labels)))
    kept, thresholds = model.reported, model.prior.own.levels
    names = [name for name, shown in zip(model.coefficient_names, kept, strict=True) if shown]
    above = len(thresholds)
    coded = np.vstack((np.tile(-np.eye(1, len(A)), (above, 1)), np.eye(len(A))[kept]))
    raw = np.vstack((np.tile(-A[:1], (above, 1)), A[kept]))
    return Coefficients((*thresholds, *names), coded, raw, above)


def some_rows(data: dict[str, Any], places: np.ndarray) -> dict[str, Any]:
    """Some of the rows."""
    return {k: tuple(x[places] for x in part) if isinstance(part, tuple) else part[places] for k, part in data.items()}
