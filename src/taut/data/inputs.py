"""What a user hands over, as rows that a model can be fitted to, checked before anything is run."""

from typing import Any

import jax
import numpy as np

from taut.errors import ArgumentError, DataError
from taut.models import Model


def rows_of(model: Model, data: Any, sample_weight: Any, missing: str, positive: Any, transform: Any):
    """The rows as the model wants them, their weights, and for a table how they were encoded."""
    design = labels = kept = None
    if model.tabular:
        table = _table(model, data, missing, positive)
        rows, design, labels, kept = (table.X, table.y), table.design, table.labels, table.kept
    elif data is None:
        if getattr(model, "by_rows", False):
            raise DataError("This log density has a log-likelihood of rows, so it needs data: taut.fit(model, rows).")
        rows = np.zeros((1, 0))
    else:
        if not getattr(model, "by_rows", True):
            raise DataError(
                "A joint log density has its data inside; give none, or build the model with log_likelihood and "
                "log_prior."
            )
        rows = jax.tree.map(np.asarray, data)
        _refuse_nonfinite(rows)
        if model.local:
            _check_examples(model, rows, transform)
    size = jax.tree.leaves(rows)[0].shape[0] if kept is None else kept.size
    return rows, _weights(sample_weight, size, kept), design, labels


def examples_of(data: Any, validation: Any, transform: Any) -> tuple[Any, Any, Any]:
    """Examples, held-out examples and transform, from arrays or from binarised splits."""
    from taut.data import Binarised, HeldOut, Images, Training

    if isinstance(data, Binarised):
        validation = data.validation if validation is None else validation
        data = data.train
    if isinstance(data, (HeldOut, Images)):
        what = "held out, not for training" if isinstance(data, HeldOut) else "not in the form that a likelihood takes"
        raise DataError(f"These images are {what}; give taut.data.binarise(kind, images), or its .train.")
    if isinstance(validation, Training):
        raise DataError("validation= are the training images; give held-out ones.")
    if isinstance(data, Training):
        transform = data.transform if transform is None else transform
        data = data.rows
    if isinstance(validation, HeldOut):
        validation = validation.rows
    return data, validation, transform


def _table(model: Any, data: Any, missing: Any, positive: Any) -> Any:
    """A design matrix and a 0/1 target; data that are prepared already pass through."""
    from taut.data import Supervised, prepare

    if isinstance(data, Supervised):
        return data
    if not (isinstance(data, (tuple, list)) and len(data) == 2):
        kind = type(data).__name__ if data is not None else "nothing"
        raise DataError(f"The data of a {model.name} are a pair (X, y); received {kind}. Call taut.fit(model, (X, y)).")
    if missing not in ("refuse", "drop"):
        raise ArgumentError(f"missing={missing!r}: 'refuse' or 'drop'.")
    X, y = data
    return prepare(X, y, standardise=model.standardise, intercept=model.intercept, missing=missing, positive=positive)


def _check_examples(model: Any, rows: Any, transform: Any) -> None:
    """Examples as the model will see them must fit its likelihood and decoder; a transform is tried on a few."""
    if not isinstance(rows, np.ndarray) or rows.ndim < 2:
        raise DataError("A latent-variable model is fitted to one array of examples, [n, ...] with at least two axes.")
    if rows.dtype == object or np.issubdtype(rows.dtype, np.complexfloating):
        raise DataError(f"Examples of dtype {rows.dtype} cannot be used; give numbers.")
    seen = rows if transform is None else np.asarray(transform(jax.random.key(0), jax.device_put(rows[:100])))
    model.check(seen)


def _refuse_nonfinite(rows: Any) -> None:
    for path, leaf in jax.tree_util.tree_leaves_with_path(rows):
        bad = ~np.isfinite(leaf) if np.issubdtype(leaf.dtype, np.floating) else np.zeros(leaf.shape, bool)
        if bad.any():
            first = int(np.argwhere(bad)[0][0])
            raise DataError(
                f"data{jax.tree_util.keystr(path)} has {bad.sum()} values that are not finite, the first in row "
                f"{first}: remove them."
            )


def _weights(sample_weight: Any, size: int, kept: Any):
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, float)
    if weights.shape != (size,):
        raise DataError(f"sample_weight has shape {weights.shape}; one number for each of the {size} rows is needed.")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0) or not np.any(weights > 0):
        raise DataError("sample_weight must be finite, none negative and at least one positive.")
    return weights if kept is None else weights[kept]
