"""Times to an event that is as likely at any time."""

from typing import ClassVar

import jax.numpy as jnp

from taut.models.likelihoods.survival import Survival


class Exponential(Survival):
    """Times of mean e^eta, right-censored where event is 0; y is the pair (time, event).

    Example:
        >>> Exponential().log_prob(jnp.zeros(2), (jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))).tolist()
        [-1.0, -2.0]
    """

    name: ClassVar[str] = "exponential"

    def _log_shape(self, dtype):
        return jnp.zeros((), dtype)
