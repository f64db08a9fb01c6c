"""The posterior of every image, computed once: what each measure of a latent-variable model starts from."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np

from taut.capabilities import Capability
from taut.compilation import Compiled
from taut.gradients.problem import Problem
from taut.gradients.target import Target, closed_parts


class Codes(NamedTuple):
    """q(z|x) of n images.

    Attributes:
        q: the family's members, every array `[n, ...]`.
        mean: `[n, D]`, E_q[z|x].
        kl: `[n]`, KL(q(z|x)||p(z)) in nats, where it is closed; else None.
        kl_per_dimension: `[n, D]`, its parts, where family and prior are factorised; else None.
    """

    q: Any
    mean: np.ndarray
    kl: np.ndarray | None
    kl_per_dimension: np.ndarray | None

    def __getitem__(self, places: Any) -> "Codes":  # pyright: ignore[reportIncompatibleMethodOverride]
        """The codes of some of the images."""
        return Codes(*jax.tree.map(lambda a: a[places], tuple(self)))


@Compiled
def _encode(problem: Problem, images):
    closed = closed_parts(problem.offers)

    def one(x):
        row = x[None]
        q = problem.family.at(row)
        target = Target(problem.model, row, np.ones(1), np.ones(()))
        parts = target.closed_kl_per_dimension(q) if Capability.FACTORISED in closed else None
        both = {Capability.CLOSED_ENTROPY, Capability.CLOSED_PRIOR} <= closed
        kl = parts.sum() if parts is not None else target.closed_kl(q) if both else None
        return Codes(q, q.mean, kl, parts)

    return eqx.filter_vmap(one)(images)


def encode(problem: Problem, images: np.ndarray, *, batch: int = 100) -> Codes:
    """q(z|x) of every image.

    Args:
        problem: a fitted problem in which each example has its own z.
        images: `[n, ...]`.
        batch: images at once.
    """
    seen = [jax.tree.map(lambda a, rows=rows: np.asarray(a)[: len(rows)], _encode(problem, padded(images, rows, batch), plain=False))
            for rows in blocks(len(images), batch)]  # fmt: skip
    return jax.tree.map(lambda *parts: np.concatenate(parts), *seen)


def draw_key(seed: Any, stream: int, place: Any, number: Any) -> Any:
    """The key of draw `number` of the image at `place`: no batch size, padding or other image changes a draw."""
    return jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), stream), place), number)


def blocks(n: int, batch: int) -> Iterator[np.ndarray]:
    """The places 0 to n - 1, at most `batch` at a time.

    Example:
        >>> [len(places) for places in blocks(5, 2)]
        [2, 2, 1]
    """
    return (np.arange(start, min(start + batch, n), dtype=np.int32) for start in range(0, n, batch))


def padded(tree: Any, places: np.ndarray, batch: int) -> Any:
    """The rows of `tree` (arrays `[n, ...]`) at `places`, the last one repeated up to `batch`: one shape, compiled once.

    The caller drops what comes out beyond `len(places)`; no average ever sees it.
    """
    places = np.concatenate([places, np.repeat(places[-1:], batch - len(places))])
    return jax.tree.map(lambda a: a[places], tree)
