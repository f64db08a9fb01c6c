"""Amortised families: an encoder maps each example to its member of a simpler family."""

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families.base import Distribution, Family
from taut.families.latents import LATENTS, Latent


class Amortized(Family):
    r"""q(z|x): the encoder's output, read as the parameters of a simple family.

    .. math:: q_\eta(z|x) = N(z; m_\eta(x), \mathrm{diag}(s_\eta(x)^2)), \qquad \log s = 7 \tanh(\ell_\eta(x) / 7)

    Attributes:
        encoder: Any callable pytree from one example to `[2 latent]` numbers (means, then log standard deviations
            before the bound), or `[latent]` logits for a Bernoulli latent; its floating leaves are learned.
        latent: "gaussian" or "bernoulli".

    Example:
        >>> q = Amortized(lambda x: np.zeros(4)).at(np.ones((1, 3)))
        >>> q.mean.shape
        (2,)

    Source: D. Kingma and M. Welling, Auto-Encoding Variational Bayes, 2014.
    """

    name: ClassVar[str] = "amortised"
    local: ClassVar[bool] = True
    encoder: Callable
    latent: str = eqx.field(static=True, default="gaussian")

    def __check_init__(self):
        if self.latent not in LATENTS:
            raise ArgumentError(f"Amortized(latent={self.latent!r}): {' or '.join(map(repr, LATENTS))}.")
        if not callable(self.encoder):
            raise ArgumentError(
                f"encoder={self.encoder!r} is not callable; give a network from an example to q's parameters."
            )

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

    def check_size(self, dim, rows):
        """Refuse an encoder that does not give members over `dim` coordinates."""
        self.check(tuple(rows.shape[1:]), dim)

    def check(self, example_shape: tuple[int, ...], dim: int) -> None:
        """Refuse an encoder whose output is not the parameters of a member with `dim` coordinates.

        Raises:
            ArgumentError: The encoder does not take the example, or its output has another size; with both sizes.
        """
        try:
            shape = jax.eval_shape(self.encoder, jax.ShapeDtypeStruct(example_shape, np.float32)).shape
        except TypeError as error:
            raise ArgumentError(f"The encoder does not take an example of shape {example_shape}: {error}") from None
        want = (self.kind.outputs * dim,)
        if shape != want:
            raise ArgumentError(
                f"The encoder gives {shape} numbers for an example; a {self.latent} latent of length {dim} needs "
                f"{want}."
            )
