"""Log densities at K draws of one unit, with the KL split into what is closed and what is sampled."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.families.abilities import Entropy
from taut.families.base import Family
from taut.models.target import Target
from taut.objectives.draws import Draws


def over_draws(function: Callable, draws: Any) -> Any:
    """`function` of each of K draws, a pytree of `[K, ...]`: `vmap`, but without an axis for a single draw.

    An axis of length one between examples and features turns each weight's gradient into transposed copies.
    """
    if jax.tree.leaves(draws)[0].shape[0] > 1:
        return jax.vmap(function)(draws)
    return jax.tree.map(lambda a: a[None], function(jax.tree.map(lambda a: a[0], draws)))


def evaluate(target: Target, q: Family, z: Float[Array, "K D"], closed: frozenset[Capability]) -> Draws:
    """The draws `z` of q with their log densities, the KL split by what is `closed` (see `closed_parts`)."""
    densities = (over_draws(density, z) for density in (target.log_likelihood, target.log_prior, q.log_prob))
    return combine(target, q, *densities, closed)  # pyright: ignore[reportCallIssue]


def combine(
    target: Target,
    q: Family,
    log_likelihood: Float[Array, " K"],
    log_prior: Float[Array, " K"],
    log_q: Float[Array, " K"],
    closed: frozenset[Capability],
) -> Draws:
    """Log densities as draws: the sampled part of the KL is linear in them, the closed part is q's alone."""
    if Capability.FACTORISED in closed:
        per_dimension = target.closed_kl_per_dimension(q)
        zero = jnp.zeros_like(log_q)
        return Draws(log_likelihood, log_prior, log_q, zero, jnp.sum(per_dimension), per_dimension)
    if Capability.CLOSED_PRIOR in closed:
        return Draws(log_likelihood, log_prior, log_q, jnp.zeros_like(log_q), target.closed_kl(q))
    if Capability.CLOSED_ENTROPY in closed:
        return Draws(log_likelihood, log_prior, log_q, -log_prior, -cast(Entropy, q).entropy())
    return Draws(log_likelihood, log_prior, log_q, log_q - log_prior, jnp.zeros((), log_q.dtype))


def closed_parts(offers: frozenset[Capability]) -> frozenset[Capability]:
    """Which parts of the KL are closed: none, the entropy, the expected log prior too, or both by coordinate."""
    if Capability.CLOSED_ENTROPY not in offers:
        return frozenset()
    closed = offers & {Capability.CLOSED_ENTROPY, Capability.CLOSED_PRIOR}
    return closed | (offers & {Capability.FACTORISED} if Capability.CLOSED_PRIOR in closed else frozenset())
