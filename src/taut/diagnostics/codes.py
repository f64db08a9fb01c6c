"""The posterior of every image, computed once: what each measure of a latent-variable model starts from."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.families.abilities import Moments
from taut.families.base import Family
from taut.gradients.evaluate import closed_parts
from taut.models.target import Target
from taut.problem import Problem


class Codes(NamedTuple):
    """q(z|x) of n images.

    Attributes:
        q: The family's members, every array `[n, ...]`.
        mean: `[n, D]`, E_q[z|x].
        kl: `[n]`, KL(q(z|x)||p(z)) in nats, where it is closed; else None.
        kl_per_dimension: `[n, D]`, its parts, where family and prior are factorised; else None.
    """

    q: Family
    mean: np.ndarray
    kl: np.ndarray | None
    kl_per_dimension: np.ndarray | None

    def of(self, places: np.ndarray) -> "Codes":
        """The codes of some of the images."""
        return jax.tree.map(lambda a: a[places], self)


@Compiled
def _encode(problem: Problem, images):
    closed = closed_parts(problem.offers)

    def one(x):
        row = x[None]
        q = problem.family.at(row)
        target = Target(problem.model, row, jnp.ones(1), jnp.ones(()))
        kl = target.closed_kl(q) if Capability.CLOSED_PRIOR in closed else None
        parts = target.closed_kl_per_dimension(q) if Capability.FACTORISED in closed else None
        return q, cast(Moments, q).mean, kl, parts

    return eqx.filter_vmap(one)(images)


def encode(problem: Problem, images: np.ndarray, *, batch: int = 100) -> Codes:
    """q(z|x) of every image.

    Args:
        problem: A fitted problem in which each example has its own z.
        images: `[n, ...]`.
        batch: Number of images at once.
    """
    seen = []
    for places in blocks(len(images), batch):
        block = _encode(problem, padded(images, places, batch), plain=False)
        seen.append(jax.tree.map(lambda a, places=places: np.asarray(a)[: len(places)], block))
    return Codes(*jax.tree.map(lambda *parts: np.concatenate(parts), *seen))


def draw_key(seed: ArrayLike, stream: int, place: ArrayLike, number: ArrayLike) -> PRNGKeyArray:
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
    """The rows of `tree` (arrays `[n, ...]`) at `places`, the last one repeated up to `batch`: all have one shape.

    The caller drops what comes out beyond `len(places)`; no average ever sees it.
    """
    places = np.concatenate([places, np.repeat(places[-1:], batch - len(places))])
    return jax.tree.map(lambda a: a[places], tree)
