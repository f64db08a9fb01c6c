"""What an objective sees of one unit: K draws of z and their log densities."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float


class Draws(NamedTuple):
    """Log densities at K draws z_k of one unit, in nats.

    The KL enters in two parts, so that all three cases are one: closed KL (`kl` is zero), closed entropy only (`kl`
    is -log p(z_k), `exact_kl` is -H(q)), nothing closed (`exact_kl` is zero).

    Attributes:
        log_likelihood: `[K]`, scaled log p(x|z_k).
        log_prior: `[K]`, log p(z_k).
        log_q: `[K]`, log q(z_k).
        kl: `[K]`, the sampled part of log q - log p(z).
        exact_kl: The closed part of the KL.
        kl_per_dimension: `[D]`, the closed KL of each coordinate, where family and prior are factorised; else None.
    """

    log_likelihood: Float[Array, " K"]
    log_prior: Float[Array, " K"]
    log_q: Float[Array, " K"]
    kl: Float[Array, " K"]
    exact_kl: Float[Array, ""]
    kl_per_dimension: Float[Array, " D"] | None = None


def elbo_terms(draws: Draws) -> dict[str, Float[Array, ""]]:
    """The two terms of the ELBO of one unit: `expected_log_likelihood` and `kl`, in nats."""
    return {
        "expected_log_likelihood": jnp.mean(draws.log_likelihood),
        "kl": jnp.mean(draws.kl) + draws.exact_kl,
    }
