"""The shape of the posterior: what every family can do."""

from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from taut.capabilities import Capability


class Family(eqx.Module):
    """A distribution q over vectors z of length `dim`, whose floating leaves are its learned, unconstrained parameters.

    Written for one draw; the caller batches with `vmap`. Random numbers enter only as `noise`, so that a test can
    replace them by quadrature nodes or by all outcomes.
    """

    name: ClassVar[str]

    @property
    def dim(self) -> int:
        """Length of z."""
        raise NotImplementedError

    @property
    def offers(self) -> AbstractSet[Capability]:
        """What gradients, objectives and algorithms may ask of this family."""
        raise NotImplementedError

    def at(self, rows: Any) -> "Family":
        """The q of one unit: itself, or the q(z|x) of an amortised family. `rows` is the unit's data `[R, ...]`."""
        return self

    def noise(self, key: PRNGKeyArray) -> Any:
        """The random numbers of one draw."""
        raise NotImplementedError

    def sample(self, noise: Any) -> Float[Array, " D"]:
        """The draw z that `noise` gives."""
        raise NotImplementedError

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        raise NotImplementedError

    def sample_and_log_prob(self, noise: Any) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """A draw and its log density; families that get both at once override it."""
        z = self.sample(noise)
        return z, self.log_prob(z)
