"""What a family has for each capability that it offers, as protocols."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Branches


class Moments(Protocol):
    """Closed mean and variances."""

    mean: Float[Array, " D"]
    variance: Float[Array, " D"]


class Covariance(Protocol):
    """Closed mean and covariance matrix."""

    mean: Float[Array, " D"]
    covariance: Float[Array, "D D"]


class Entropy(Protocol):
    """A closed entropy."""

    def entropy(self) -> Float[Array, ""]:
        """Entropy -E_q[log q], in nats."""
        ...


class CoordinateEntropies(Protocol):
    """Closed entropies of independent coordinates."""

    def entropies(self) -> Float[Array, " D"]:
        """Entropy of each coordinate, in nats."""
        ...


class PredictorMoments(Protocol):
    """Closed moments of linear predictors."""

    def predictor_moments(self, X: Float[Array, "R D"]) -> tuple[Float[Array, " R"], Float[Array, " R"]]:
        """Mean and variance under q of the linear predictors X z."""
        ...


class Precision(Protocol):
    """A Gaussian that can be set from a mean and a precision matrix."""

    mean: Float[Array, " D"]

    def host_factor(self) -> Float[np.ndarray, "D D"]:
        """The lower-triangular L with covariance L L', in host memory and in float64."""
        ...

    def with_precision(self, mean: Float[Array, " D"], precision: Float[Array, "D D"]) -> "Precision":
        """The member with this mean and, as far as the family can have it, this precision."""
        ...

    def whitened_precision(self, change: Float[Array, "D D"]) -> Float[Array, "..."]:
        """A change of precision in units of q's own, over what the family can move."""
        ...


class WeakDerivatives(Protocol):
    """Derivatives in the parameters as differences of distributions."""

    def branch_noise(self, key: PRNGKeyArray) -> Any:
        """The random numbers that `branches` needs beside those of the draw; () where it needs none."""
        ...

    def branches(self, noise: Any, more: Any) -> Branches:
        """The weak derivatives of q at the draw of `noise`, with `more` from `branch_noise`."""
        ...


class Finite(Protocol):
    """N outcomes that can be listed."""

    count: int

    def outcomes(self) -> Float[np.ndarray, "N D"]:
        """All outcomes."""
        ...


class Binary(Protocol):
    """Independent binary coordinates, by the log-odds of being 1."""

    logits: Float[Array, " D"]


class Relaxed(Protocol):
    """A continuous relaxation of a discrete family."""

    def relaxed(self, noise: Any, temperature: float) -> Float[Array, " D"]:
        """A differentiable point that tends to the draw of the same noise as the temperature falls."""
        ...


class UniformNoise(Protocol):
    """Noise made of one uniform number for each coordinate."""

    def noise_at(self, uniform: Float[Array, " D"]) -> Any:
        """The noise that numbers in (0, 1), one for each coordinate, give: for antithetic and Sobol draws."""
        ...


ABILITIES: dict[Capability, type] = {
    Capability.MOMENTS: Moments,
    Capability.COVARIANCE: Covariance,
    Capability.CLOSED_ENTROPY: Entropy,
    Capability.FACTORISED: CoordinateEntropies,
    Capability.PREDICTOR_MOMENTS: PredictorMoments,
    Capability.PRECISION: Precision,
    Capability.WEAK_DERIVATIVES: WeakDerivatives,
    Capability.FINITE: Finite,
    Capability.BINARY: Binary,
    Capability.RELAXED: Relaxed,
    Capability.UNIFORM_NOISE: UniformNoise,
}
"""The methods behind each offer; the other capabilities say something about `sample` and `noise`."""
