"""The joint density of one unit: the rows that one z explains."""

from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.models.base import ClosedLikelihood, Model
from taut.models.prior import ClosedPrior


class Target(eqx.Module):
    """log p(x, z) of one unit: R rows explained by one z.

    Attributes:
        model: the model.
        rows: pytree of arrays `[R, ...]`.
        weights: `[R]`, how much each row counts.
        scale: rows of the parent for each row here; multiplies the log-likelihood and nothing else.
    """

    model: Model
    rows: Any
    weights: Float[Array, " R"]
    scale: Float[Array, ""]

    def log_likelihood(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Scaled log p(x|z), in nats."""
        return self.scale * jnp.sum(self.weights * self.model.log_likelihood(z, self.rows))

    def log_prior(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """log p(z), in nats."""
        return self.model.prior.log_prob(z)

    def expected_log_likelihood(self, q: Any) -> Float[Array, ""]:
        """Scaled E_q[log p(x|z)], in nats, for a model that has it closed."""
        closed = cast(ClosedLikelihood, self.model)
        return self.scale * jnp.sum(self.weights * closed.expected_log_likelihood(q, self.rows))

    def closed_kl(self, q: Any) -> Float[Array, ""]:
        """KL(q||p) = -H(q) - E_q[log p(z)]; the prior asks q for the moments that it needs, in nats."""
        return -q.entropy() - cast(ClosedPrior, self.model.prior).expected_log_prob(q)

    def closed_kl_per_dimension(self, q: Any) -> Float[Array, " D"]:
        """The KL of each coordinate, for a factorised family and prior."""
        return -q.entropies() - cast(ClosedPrior, self.model.prior).expected_log_probs(q)
