"""One of several levels, in a regression."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.models.likelihoods.categorical import Categorical
from taut.models.likelihoods.moments import Moments
from taut.models.likelihoods.softmax import Softmax, softmax_averages


@jax.custom_jvp
def _normaliser(m, S):
    return softmax_averages(m, S).normaliser


@_normaliser.defjvp
def _normaliser_jvp(primals, tangents):
    # Bonnet's and Price's theorems in several dimensions: the slope in S is half the expected second derivative.
    at: Softmax = softmax_averages(*primals)
    dm, dS = tangents
    return at.normaliser, jnp.sum(at.p * dm, -1) + 0.5 * jnp.sum(at.bend * dS, (-2, -1))


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

    def joint_expectation(
        self, m: Float[Array, "... d"], S: Float[Array, "... d d"], y: Float[Array, "..."]
    ) -> Moments:
        """E log p(y|eta) for the predictors of an element, eta ~ N(m, S), with exact derivatives of its value.

        Its error is that of `softmax.py`.

        Args:
            m: Means, one for each level but the first.
            S: Covariances of the predictors of one element.
            y: Levels.

        Returns:
            The value `[...]`, its slope `[..., d]` in m, and the curvature `[..., d, d]`, which is minus twice its
            derivative in S.
        """
        at = softmax_averages(m, S)
        seen = jax.nn.one_hot(y.astype(jnp.int32) - 1, self.outputs, dtype=m.dtype)  # of the first level, zeros
        return Moments(jnp.sum(seen * m, -1) - _normaliser(m, S), seen - at.p, at.bend)
