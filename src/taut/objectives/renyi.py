"""The Rényi bounds."""

import re
from numbers import Real
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.objectives.base import Objective
from taut.objectives.draws import Draws
from taut.objectives.forms import NUMBER, as_number
from taut.objectives.traced_numbers import number, shown


class Renyi(Objective):
    r"""The variational Rényi bound by K draws, a family between the ELBO and log p(x).

    .. math:: L_{\alpha, K} = E_{z_1..z_K \sim q}\Big[\frac{1}{1 - \alpha} \log \frac1K \sum_k
              \Big(\frac{p(x, z_k)}{q(z_k|x)}\Big)^{1 - \alpha}\Big]

    Alpha -> 1 gives the ELBO, alpha = 0 the importance-weighted bound, and it falls as alpha rises: large alpha seeks a
    mode, small and negative alpha cover the mass. It bounds log p(x) from below for every K if alpha >= 0; for
    alpha < 0 it tends to an upper bound as K grows. With one draw it is the ELBO, whatever alpha.

    Attributes:
        alpha: The order, finite and not 1 (that is the ELBO). It is traced and never learned: another order compiles
            nothing new.

    Example:
        >>> draws = Draws(jnp.array([-1.0]), jnp.array([-2.0]), jnp.array([-0.5]), jnp.zeros(1), jnp.zeros(()))
        >>> float(Renyi(0.5).statistics(draws)["bound"])
        -2.5

    Source: Y. Li and R. Turner, Rényi Divergence Variational Inference, 2016.
    """

    written: ClassVar[str] = "renyi=0.5:50 (the order, and the number of draws)"
    words: ClassVar[tuple[str, ...]] = ("renyi",)
    closed_kl: ClassVar[bool] = False
    alpha: Any = eqx.field(converter=number, default=0.5)

    @classmethod
    def parse(cls, text, steps):
        """`renyi` with the order and the number of draws."""
        match = re.fullmatch(rf"renyi\s*=\s*{NUMBER}\s*:\s*(\d+)", text)
        if match is None or int(match[2]) < 1:
            return None
        return cls(as_number(match[1], text)), int(match[2])

    def __check_init__(self):
        if not isinstance(self.alpha, Real) or not np.isfinite(float(self.alpha)) or self.alpha == 1:
            raise ArgumentError(
                f"Renyi(alpha={shown(self.alpha)}): a finite order other than 1 is needed; order 1 is the ELBO, Elbo()."
            )

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """`renyi=` and the order."""
        return f"renyi={self.alpha:g}"

    @property
    def offers(self):
        """A smooth function of log-weights, but no mean over draws."""
        return frozenset({Capability.LOG_WEIGHTS})

    def statistics(self, draws: Draws):
        """The bound of one unit, in nats."""
        log_weights = draws.log_likelihood + draws.log_prior - draws.log_q
        power = 1 - self.alpha
        return {"bound": (jax.nn.logsumexp(power * log_weights) - jnp.log(log_weights.size)) / power}

    def value(self, statistics, memory, step):
        """The bound."""
        return statistics["bound"]
