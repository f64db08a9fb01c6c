"""An unknown of a likelihood itself: its name, where it lives, and its stated prior."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from taut.models.support import Support
from taut.models.supports import positive


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a likelihood's own.

    Attributes:
        name: What a person calls it.
        field: The likelihood's attribute that holds it: of a positive one the logarithm, which a decoder can move.
        prior: `numpyro.distributions` distribution of one element, over the values themselves. For ordered values it
            is that of independent ones, restricted to the ordered set.
        support: Where it lives: `positive()`, `real(n)` or `ordered(n)`; its `transform` leads there from the reals.
        labels: Names of the elements, where there are several.
    """

    name: str
    field: str
    prior: Any
    support: Support = dataclasses.field(default_factory=positive)
    labels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each element.

        Example:
            >>> Parameter("threshold", "thresholds", None, labels=("low|high",)).names
            ('threshold[low|high]',)
        """
        return tuple(f"{self.name}[{label}]" for label in self.labels) or (self.name,)

    @property
    def _by_logarithm(self) -> bool:
        return self.support.kind == "positive"

    def kept(self, value: Any) -> Any:
        """The value as the attribute holds it."""
        return jnp.log(value) if self._by_logarithm else value

    def shown(self, kept: Any) -> Any:
        """The attribute as the value."""
        return jnp.exp(kept) if self._by_logarithm else jnp.asarray(kept)

    def log_prior(self, value: Any) -> Float[Array, ""]:
        """Log density of the stated prior at the value, in nats, normalised.

        n independent numbers of one distribution are in order with probability 1 / n!, which normalises the density.
        """
        total = jnp.sum(self.prior.log_prob(jnp.asarray(value)))
        return total + gammaln(self.support.shape[0] + 1.0) if self.support.kind == "ordered" else total

    def from_free(self, free: Float[Array, "..."]) -> Float[Array, "..."]:
        """The value that unconstrained numbers stand for: of a positive one they are the logarithm."""
        return self.support.transform(free)

    def log_prior_free(self, free: Float[Array, "..."]) -> Float[Array, ""]:
        """Log density of the stated prior over the unconstrained numbers, in nats."""
        value = self.from_free(free)
        return self.log_prior(value) + jnp.sum(self.support.transform.log_abs_det_jacobian(free, value))
