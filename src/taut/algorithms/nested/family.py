"""The answer of nested inference: a mixture over nodes of the scales t, with a Gaussian over all else at each."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families.base import Distribution


class NestedGaussian(Distribution):
    r"""A mixture over nodes of t, z = (w, t): coefficients and effects w, scales t.

    .. math:: q(w, t) = q(t) N(w; m(t), V(t))

    The moments of w at each node are exact; t is known by its draws. The covariances of all w at all nodes would be
    too large to keep, so that draws of z are kept, and what needs more than one coordinate is averaged over these.

    Attributes:
        weights: `[C]`, probabilities of the nodes.
        scales: `[C, K]`, t at the nodes.
        means: `[C, W]`, means of w.
        variances: `[C, W]`, variances of w.
        covariances: `[C, P, P]`, covariances of the coefficients, which are the first P of w.
        draws: `[S, W + K]`, draws of z.

    Source: H. Rue, S. Martino and N. Chopin, Approximate Bayesian Inference for Latent Gaussian Models by Using
    Integrated Nested Laplace Approximations, 2009 (the idea; here with variational expectations).
    """

    name: ClassVar[str] = "nested"
    weights: Float[Array, " C"]
    scales: Float[Array, "C K"]
    means: Float[Array, "C W"]
    variances: Float[Array, "C W"]
    covariances: Float[Array, "C P P"]
    draws: Float[Array, "S D"]

    def __check_init__(self):
        sizes = {np.shape(x)[0] for x in (self.weights, self.scales, self.means, self.variances, self.covariances)}
        wide = np.shape(self.means)[-1] + np.shape(self.scales)[-1]
        if len(sizes) != 1 or np.shape(self.means) != np.shape(self.variances) or np.shape(self.draws)[-1] != wide:
            raise ArgumentError("NestedGaussian: its arrays are not of the same nodes and unknowns.")

    @classmethod
    def around(cls, mean, sd=1.0) -> "NestedGaussian":
        """Before the algorithm has run: one node, which says nothing of scales."""
        mean = np.asarray(mean, float)
        one = np.ones(1)
        return cls(one, np.zeros((1, 0)), mean[None], np.full((1, mean.size), sd**2), np.zeros((1, 0, 0)), mean[None])

    @property
    def phrase(self) -> str:
        """As an adjective."""
        return "nested Gaussian"

    @property
    def offers(self):
        """Closed moments."""
        return frozenset({Capability.MOMENTS})

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.draws.shape[-1]

    @property
    def mean(self) -> Float[Array, " D"]:
        """Means of w and of t."""
        return self.weights @ jnp.concatenate([self.means, self.scales], -1)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Variances of w and of t."""
        at = jnp.concatenate([self.means, self.scales], -1)
        own = jnp.concatenate([self.variances, jnp.zeros(self.scales.shape)], -1)
        return self.weights @ (own + (at - self.mean) ** 2)

    def noise(self, key):
        """Which of the kept draws it is."""
        return jax.random.randint(key, (), 0, self.draws.shape[0])

    def sample(self, noise):
        """The kept draw."""
        return self.draws[noise]

    def sample_and_log_prob(self, noise):
        """The kept draw; its density is not known."""
        return self.draws[noise], jnp.nan

    def log_prob(self, z):
        """Not known beside the moments and the draws."""
        raise ArgumentError("The nested family keeps moments and draws, and no density at any z.")
