"""Times to an event that grows likelier, or less likely, with time."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from taut.errors import ArgumentError
from taut.models.likelihoods.checks import within
from taut.models.likelihoods.parameter import Parameter
from taut.models.likelihoods.survival import Survival


class Weibull(Survival):
    """Times of scale e^eta, right-censored where event is 0; y is the pair (time, event).

    Attributes:
        log_shape: logarithm of the shape: the hazard grows with time above shape 1 and falls below.

    Example:
        >>> Weibull(shape=2.0).log_prob(jnp.zeros(1), (jnp.array([2.0]), jnp.array([0.0]))).tolist()
        [-4.0]
    """

    name: ClassVar[str] = "weibull"
    scale: ClassVar[str] = "log scale"
    wants: ClassVar[str] = "positive times, each with 1 (the event was seen) or 0 (censored)"
    log_shape: Any

    def __init__(self, shape: float = 1.0):
        if not (np.isfinite(shape) and shape > 0):
            raise ArgumentError(f"Weibull(shape={shape!r}): a positive, finite number is needed.")
        self.log_shape = float(np.log(shape))

    def parameters(self, spread=1.0):
        """The shape."""
        from numpyro.distributions import Gamma

        return (Parameter("shape", "log_shape", Gamma(2.0, 0.1)),)

    def _log_shape(self, dtype):
        return jnp.asarray(self.log_shape, dtype)

    def check(self, y):
        """Times above zero as well: at zero the density is 0 or infinite."""
        super().check(y)
        within(self, y[0], 0.0, np.inf, "A time of zero needs half of the unit of time.", open_ends=True)
