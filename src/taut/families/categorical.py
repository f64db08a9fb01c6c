"""Independent categorical coordinates, one-hot."""

import itertools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.families.base import Branches
from taut.families.weak_derivatives import NoBranchNoise


class Categorical(NoBranchNoise):
    r"""G independent choices among C classes each; z is their one-hot vectors end to end, `[G * C]`.

    .. math:: q(z) = \prod_{g,c} \pi_{gc}^{z_{gc}}, \qquad \pi_g = \mathrm{softmax}(\ell_g)

    Attributes:
        logits: `[G, C]`, the \(\ell_{gc}\); a constant added to a row changes nothing.

    Example:
        >>> Categorical(jnp.zeros((1, 4))).mean.tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    name: ClassVar[str] = "categorical"
    logits: Float[Array, "G C"]

    @property
    def dim(self) -> int:
        """Length of z, G * C."""
        return self.logits.size

    @property
    def offers(self):
        """Moments and entropy, all outcomes; no differentiable draws."""
        return frozenset(
            {
                Capability.MOMENTS,
                Capability.CLOSED_ENTROPY,
                Capability.COVARIANCE,
                Capability.WEAK_DERIVATIVES,
                Capability.FINITE,
                Capability.RELAXED,
            }
        )

    @property
    def probabilities(self) -> Float[Array, "G C"]:
        """The pi."""
        return jax.nn.softmax(self.logits)

    @property
    def mean(self) -> Float[Array, " D"]:
        """The probabilities, end to end."""
        return self.probabilities.ravel()

    @property
    def variance(self) -> Float[Array, " D"]:
        """pi (1 - pi)."""
        return self.mean * (1 - self.mean)

    @property
    def covariance(self) -> Float[Array, "D D"]:
        """Covariance matrix: diag(pi) - pi pi' within each choice, zero between choices."""
        blocks = jax.vmap(lambda p: jnp.diag(p) - jnp.outer(p, p))(self.probabilities)
        return jax.scipy.linalg.block_diag(*blocks)

    def noise(self, key: PRNGKeyArray) -> Float[Array, "G C"]:
        """Gumbel numbers, one a class."""
        return jax.random.gumbel(key, self.logits.shape, self.logits.dtype)

    def _choice(self, noise):
        return jnp.argmax(self.logits + noise, axis=-1)

    def _one_hot(self, choice):
        return jax.nn.one_hot(choice, self.logits.shape[-1], dtype=self.logits.dtype).reshape(*choice.shape[:-1], -1)

    def sample(self, noise: Float[Array, "G C"]) -> Float[Array, " D"]:
        """For each choice, the class with the largest logit plus noise."""
        return self._one_hot(self._choice(noise))

    def relaxed(self, noise: Float[Array, "G C"], temperature: float) -> Float[Array, " D"]:
        """A point inside the simplices that tends to the draw of the same noise as the temperature falls."""
        return jax.nn.softmax((self.logits + noise) / temperature).ravel()

    @property
    def count(self) -> int:
        """Number of outcomes, C to the power G."""
        return self.logits.shape[1] ** self.logits.shape[0]

    def outcomes(self) -> Float[np.ndarray, "N D"]:
        """All one-hot vectors, end to end."""
        G, C = self.logits.shape
        choices = np.array(list(itertools.product(range(C), repeat=G)))
        return np.eye(C)[choices].reshape(len(choices), -1).astype(self.logits.dtype)

    def branches(self, noise: Float[Array, "G C"], more: tuple[()]) -> Branches:
        """The draw with one choice made otherwise, in each of the C - 1 ways: the local expectation."""
        G, C = self.logits.shape
        choice = self._choice(noise)
        other = (choice[:, None] + np.arange(1, C)) % C  # [G, C - 1]
        weights = jnp.take_along_axis(self.probabilities, other, axis=1)
        here = np.eye(G, dtype=bool)[:, None, :]
        choices = jnp.where(here, other[:, :, None], choice)  # [G, C - 1, G]: one choice changed, the others kept
        return Branches(self._one_hot(choices.reshape(-1, G)), weights.ravel())

    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """Log probability log q(z), in nats."""
        return jnp.sum(z * jax.nn.log_softmax(self.logits).ravel())

    def entropy(self) -> Float[Array, ""]:
        """Entropy, in nats."""
        return -jnp.sum(self.mean * jax.nn.log_softmax(self.logits).ravel())
