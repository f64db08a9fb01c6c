"""Amortised families: an encoder maps each example to its member of a simpler family."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.core.names import find, unknown
from taut.errors import ArgumentError
from taut.families.base import Distribution, Family
from taut.families.latents import LATENTS, Latent
from taut.networks.flax import as_network, waits
from taut.networks.output import output_of, sizes


def _network(encoder: Any) -> Any:
    return as_network("encoder", encoder)


def _latent(name: Any) -> str:
    found = find(name, LATENTS)
    if found is None:
        raise ArgumentError(f"Amortized(latent=...): {unknown(name, LATENTS)}.")
    return found


class Amortized(Family):
    r"""q(z|x): the encoder's output, read as the parameters of a simple family.

    .. math:: q_\eta(z|x) = N(z; m_\eta(x), \mathrm{diag}(s_\eta(x)^2)), \qquad \log s = 7 \tanh(\ell_\eta(x) / 7)

    Attributes:
        encoder: Any callable pytree from one example to `[2 latent]` numbers (means, then log standard deviations
            before the bound) or to the pair of them, or to `[latent]` logits for a Bernoulli latent; its floating
            leaves are learned. A Flax module serves as well, linen or nnx.
        latent: "gaussian" or "bernoulli", the family of each member.

    Example:
        >>> q = Amortized(lambda x: np.zeros(4)).at(np.ones((1, 3)))
        >>> q.mean.shape
        (2,)

    Source: D. Kingma and M. Welling, Auto-Encoding Variational Bayes, 2014.
    """

    name: ClassVar[str] = "amortised"
    local: ClassVar[bool] = True
    encoder: Callable = eqx.field(converter=_network)
    latent: str = eqx.field(static=True, default="gaussian", converter=_latent)

    @property
    def kind(self) -> Latent:
        """What `latent` names."""
        return LATENTS[self.latent]

    @property
    def offers(self):
        """What each member offers, but for what acts on one z for all rows."""
        return self.example(1).offers - {Capability.PREDICTOR_MOMENTS, Capability.PRECISION}

    def example(self, dim: int) -> Distribution:
        """A member with `dim` coordinates."""
        return self.kind.example(dim)

    def at(self, rows: Float[Array, "1 ..."]) -> Distribution:
        """The member for one example."""
        return self.encode(rows[0])

    def encode(self, x: Float[Array, "..."]) -> Distribution:
        """q(z|x) of one example x."""
        return self.kind.member(self.encoder(x))

    def ready(self, rows):
        """With parameters in the encoder, where it had to wait for an example to have any."""
        if not waits(self.encoder):
            return self
        return Amortized(as_network("encoder", self.encoder, np.zeros(rows.shape[1:]), seed=1), self.latent)

    def check_size(self, dim, rows):
        """Refuse an encoder that does not give members over `dim` coordinates."""
        self.check(tuple(rows.shape[1:]), dim)

    def check(self, example_shape: tuple[int, ...], dim: int) -> None:
        """Refuse an encoder whose output is not the parameters of a member with `dim` coordinates.

        Raises:
            ArgumentError: The encoder does not take the example, or gives something else; with both sizes.
        """
        seen = output_of("encoder", self.encoder, example_shape, f"an example of shape {example_shape}")
        names, each = self.kind.outputs, (dim,)
        if isinstance(seen, (tuple, list)):
            right = len(seen) == len(names) > 1 and all(getattr(x, "shape", None) == each for x in seen)
        else:
            right = getattr(seen, "shape", None) == (len(names) * dim,)
        if not right:
            pair = f", or the pair ({', '.join(names)}) of {each} each" if len(names) > 1 else ""
            raise ArgumentError(
                f"The encoder gives {sizes(seen)} for an example; a {self.latent} latent of length {dim} needs one "
                f"array of shape {(len(names) * dim,)}, {' then '.join(names)} of each coordinate{pair}."
            )
