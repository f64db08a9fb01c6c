"""The importance-weighted bound."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.objectives.base import Objective
from taut.objectives.draws import Draws
from taut.objectives.forms import numbered


class ImportanceWeighted(Objective):
    r"""The bound on log p(x) by the mean of K importance weights.

    .. math:: L_K = E_{z_1..z_K \sim q}\Big[\log \frac1K \sum_k \frac{p(x, z_k)}{q(z_k|x)}\Big]

    L_1 is the ELBO and L_K rises to log p(x) with K, the gradient's number of samples. The KL is never closed in it:
    each draw needs its own log q.

    Example:
        >>> draws = Draws(jnp.array([-1.0]), jnp.array([-2.0]), jnp.array([-0.5]), jnp.zeros(1), jnp.zeros(()))
        >>> float(ImportanceWeighted().statistics(draws)["bound"])
        -2.5

    Source: Y. Burda, R. Grosse, R. Salakhutdinov, Importance Weighted Autoencoders, 2016.
    """

    name: ClassVar[str] = "importance-weighted"
    written: ClassVar[str] = "iwae=50"
    words: ClassVar[tuple[str, ...]] = ("iwae",)
    closed_kl: ClassVar[bool] = False

    @classmethod
    def parse(cls, text, steps):
        """`iwae` with the number of draws."""
        found = numbered("iwae", text)
        if found is None:
            return None
        if not found[1].is_integer() or found[1] < 1:
            raise ArgumentError(
                f"objective={text!r}: the number of draws must be a positive whole number, e.g. iwae=50."
            )
        return cls(), int(found[1])

    @property
    def offers(self):
        """A smooth function of log-weights, but no mean over draws."""
        return frozenset({Capability.LOG_WEIGHTS})

    def statistics(self, draws: Draws):
        """log-mean-exp of the K log-weights of one unit, in nats."""
        log_weights = draws.log_likelihood + draws.log_prior - draws.log_q
        return {"bound": jax.nn.logsumexp(log_weights) - jnp.log(log_weights.size)}

    def value(self, statistics, memory, step):
        """The bound."""
        return statistics["bound"]
