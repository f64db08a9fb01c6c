"""One of several levels, in a regression."""

from typing import ClassVar

import jax.numpy as jnp

from taut.models.likelihoods.categorical import Categorical


class Multinomial(Categorical):
    """The categorical likelihood with the first level's logit fixed at 0, so that every coefficient is identified.

    Attributes:
        levels: how many; eta has one number fewer along its last axis.

    Example:
        >>> round(float(Multinomial(4).log_prob(jnp.zeros((1, 3)), jnp.array([2.0]))[0]), 4)
        -1.3863
    """

    name: ClassVar[str] = "multinomial"
    aliases: ClassVar[tuple[str, ...]] = ("categorical",)
    target: ClassVar[str | None] = "any labels"
    examples: ClassVar[bool] = False

    @property
    def outputs(self):
        """One logit for each level but the first."""
        return self.levels - 1

    def _logits(self, eta):
        return jnp.concatenate([jnp.zeros_like(eta[..., :1]), eta], axis=-1)
