"""Coefficients of a formula as linear functions of beta, and its rows as arrays of a saved fit."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

from taut.algorithms.nested.family import NestedGaussian
from taut.errors import SavedFitError
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


def rows_to_save(data: dict[str, Any], weights: np.ndarray | None) -> dict[str, np.ndarray]:
    """Rows as arrays by name."""
    found = {"data.X": data["X"], "data.offset": data["offset"]}
    for name in ("index", "Z", "y"):
        parts = data[name] if isinstance(data[name], tuple) else (data[name],)
        found |= {f"data.{name}.{k}": np.asarray(part) for k, part in enumerate(parts)}
    return found | ({} if weights is None else {"data.weights": np.asarray(weights)})


def rows_from(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], np.ndarray | None]:
    """The rows that `rows_to_save` gave, and their weights.

    Raises:
        SavedFitError: they are not whole.
    """

    def parts(name):
        found = []
        while (part := arrays.get(f"data.{name}.{len(found)}")) is not None:
            found.append(part)
        return tuple(found)

    if "data.X" not in arrays or "data.offset" not in arrays or not parts("y"):
        raise SavedFitError("The saved fit lacks the rows that it was fitted to: fit again.")
    y, X = parts("y"), arrays["data.X"]
    data = {"X": X, "offset": arrays["data.offset"], "index": parts("index"), "Z": parts("Z"), "y": y}
    leaves = [
        data["offset"],
        *data["index"],
        *data["Z"],
        *y,
        *([w] if (w := arrays.get("data.weights")) is not None else []),
    ]
    if X.ndim != 2 or any(len(part) != len(X) for part in leaves) or len(data["index"]) != len(data["Z"]):
        raise SavedFitError("The saved rows do not go together: fit again.")
    return data | {"y": y[0] if len(y) == 1 else y}, arrays.get("data.weights")
