"""A mixture of Gaussians: separate modes, each with its own covariance."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.triangular import solve_lower
from taut.families.base import Distribution


class GaussianMixture(Distribution):
    r"""A mixture of K Gaussians.

    .. math:: q(z) = \sum_k w_k N(z; \mu_k, L_k L_k^\top), \qquad w = \mathrm{softmax}(\omega)

    Its draws jump from one component to another as the weights change, so that they are no smooth function of them.

    Attributes:
        logits: `[K]`, \(\omega\).
        means: `[K, D]`, the \(\mu_k\).
        log_diagonals: `[K, D]`, logarithms of the diagonals of the L_k.
        lowers: `[K, D, D]`, the L_k below their diagonals: only that counts.

    Example:
        >>> q = GaussianMixture.of([[0.0], [10.0]], np.ones((2, 1, 1)), log_weights=np.log([0.7, 0.3]))
        >>> [f"{weight:.3f}" for weight in q.weights.tolist()]
        ['0.700', '0.300']
    """

    name: ClassVar[str] = "mixture of Gaussians"
    logits: Float[Array, " K"]
    means: Float[Array, "K D"]
    log_diagonals: Float[Array, "K D"]
    lowers: Float[Array, "K D D"]

    @classmethod
    def of(cls, means, factors, log_weights=None) -> "GaussianMixture":
        """The mixture of N(mean_k, factor_k factor_k').

        Args:
            means: `[K, D]`.
            factors: `[K, D, D]`, any square roots of the covariances.
            log_weights: `[K]`, up to a constant; equal by default.
        """
        means, factors = np.asarray(means, float), np.asarray(factors, float)
        lowers = np.linalg.cholesky(factors @ factors.swapaxes(1, 2))
        log_weights = np.zeros(len(means)) if log_weights is None else np.asarray(log_weights, float)
        diagonals = np.log(np.einsum("kii->ki", lowers))
        return cls(log_weights - np.max(log_weights), means, diagonals, np.tril(lowers, -1))

    @classmethod
    def around_optima(cls, optima: Sequence[Any], elbos: Sequence[float]) -> "GaussianMixture":
        """The mixture of separate optima of a fit.

        Where components do not overlap the ELBO of the mixture is sum_k w_k (ELBO_k - log w_k), largest at
        w = softmax(ELBO_1, ..., ELBO_K).

        Args:
            optima: Gaussians with `mean` `[D]` and `factor` `[D, D]`.
            elbos: ELBO of each, in nats.
        """
        return cls.of([q.mean for q in optima], [q.factor for q in optima], elbos)

    @property
    def phrase(self) -> str:
        """As an adjective."""
        return "Gaussian-mixture"

    @property
    def dim(self) -> int:
        """Length of z."""
        return self.means.shape[-1]

    @property
    def offers(self):
        """Closed moments, and no smooth draws."""
        return frozenset({Capability.MOMENTS, Capability.COVARIANCE})

    @property
    def weights(self) -> Float[Array, " K"]:
        """Weights of the components; they sum to 1."""
        return jax.nn.softmax(self.logits)

    @property
    def factors(self) -> Float[Array, "K D D"]:
        """The lower-triangular L_k."""
        return jnp.tril(self.lowers, -1) + jnp.exp(self.log_diagonals)[:, :, None] * np.eye(self.dim)

    @property
    def mean(self) -> Float[Array, " D"]:
        """Mean of q."""
        return self.weights @ self.means

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance within the components and between them."""
        away = self.means - self.mean
        within = jnp.einsum("k,kij,klj->il", self.weights, self.factors, self.factors)
        return within + jnp.einsum("k,ki,kl->il", self.weights, away, away)

    @property
    def variance(self) -> Float[Array, " D"]:
        """Marginal variances."""
        return jnp.diagonal(self.covariance)

    def noise(self, key: PRNGKeyArray) -> tuple[Float[Array, ""], Float[Array, " D"]]:
        """A uniform number that picks the component, and standard normal ones."""
        which, where = jax.random.split(key)
        dtype = self.means.dtype
        return jax.random.uniform(which, (), dtype), jax.random.normal(where, (self.dim,), dtype)

    def sample(self, noise: Any) -> Float[Array, " D"]:
        """The draw of the component whose stretch of (0, 1) the uniform number lies in."""
        uniform, normal = noise
        # The last stretch is open to the right, whatever rounding has left of the sum.
        component = jnp.sum(uniform >= jnp.cumsum(self.weights)[:-1])
        return jnp.take(self.means, component, axis=0) + jnp.take(self.factors, component, axis=0) @ normal

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(z), in nats."""
        standard = jax.vmap(solve_lower)(self.factors, z - self.means)
        each = jnp.sum(-0.5 * standard**2 - self.log_diagonals - 0.5 * LOG_2PI, axis=1)
        return logsumexp(each + jax.nn.log_softmax(self.logits))
