"""A batch of rows, and the units into which it is cut: one z for all rows, or a z for each row."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Batch(NamedTuple):
    """Rows with their weights and sizes, so that every caller scales them alike.

    Attributes:
        rows: Pytree of arrays `[B, ...]`.
        weights: `[B]`, weight of each row (1 unless a sample weight says otherwise); 0 for padding.
        size: Number of the B rows that are not padding.
        total: Number of rows of the whole data set. Each row of the batch stands for `total / size` rows.

    Example:
        >>> three, ten = jnp.asarray(3.0), jnp.asarray(10.0)
        >>> batch = Batch(jnp.zeros((3, 2)), weights=jnp.ones(3), size=three, total=ten)
        >>> round(float(batch.total / batch.size), 2)
        3.33
    """

    rows: Any
    weights: Float[Array, " B"]
    size: Float[Array, ""]
    total: Float[Array, ""]


class Units(NamedTuple):
    """A batch cut into units, a unit being the data that one z explains: `U` units of `R` rows.

    Attributes:
        rows: Pytree of arrays `[U, R, ...]`.
        weights: `[U, R]`, weight of each row in its unit's log-likelihood.
        scale: `[U]`, factor on the unit's log-likelihood (the parent's rows per row of the batch).
        share: `[U]`, weights of the units in the average of their statistics; they sum to 1.
    """

    rows: Any
    weights: Float[Array, "U R"]
    scale: Float[Array, " U"]
    share: Float[Array, " U"]


def units(local: bool, batch: Batch) -> Units:
    """Cut a batch into units.

    Model variables (`local=False`, one z for all data): one unit of B rows, whose log-likelihood is scaled by
    `total / size`; its statistics are nats for the whole data set. Latent variables (`local=True`, one z per row):
    B units of one row, unscaled; their average is nats per example.

    Args:
        local: Whether each row has its own z.
        batch: The rows, `[B, ...]`.
    """
    if local:
        share = batch.weights / jnp.sum(batch.weights)
        ones = jnp.ones_like(batch.weights)
        return Units(jax.tree.map(lambda a: a[:, None], batch.rows), ones[:, None], ones, share)
    scale = (batch.total / batch.size).astype(batch.weights.dtype)
    return Units(
        jax.tree.map(lambda a: a[None], batch.rows), batch.weights[None], scale[None], jnp.ones_like(scale)[None]
    )
