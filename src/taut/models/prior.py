"""Priors over the unknown vector z, each saying whether its expectation under q is closed."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.names import brief
from taut.errors import ArgumentError


class Prior(eqx.Module):
    """log p(z).

    Attributes:
        learned: Whether its floating leaves move with the model's.
    """

    learned: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    """Whether it is over zeros and ones."""

    @property
    def offers(self) -> AbstractSet[Capability]:
        """What gradients and algorithms may ask of this prior."""
        return frozenset()

    def check_size(self, dim: int) -> None:
        """Refuse a prior that is not over `dim` coordinates.

        Raises:
            ArgumentError: With both sizes.
        """
        try:
            shape = jax.eval_shape(self.log_prob, jax.ShapeDtypeStruct((dim,), float)).shape
        except (TypeError, ValueError) as error:
            raise _of_another_size(self, dim) from error
        if shape != ():
            raise ArgumentError(f"The log_prob of {type(self).__name__} gives {shape} numbers where one is needed.")

    def draw(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Float[Array, "n D"]:
        """Draws `[n, D]`.

        Raises:
            ArgumentError: The prior does not say how it is drawn from.
        """
        raise ArgumentError(f"{type(self).__name__} cannot be drawn from; give it a method draw(key, (n, dim)).")

    @abc.abstractmethod
    def log_prob(self, z: Float[Array, " D"]) -> Float[Array, ""]:
        """log p(z), in nats."""


def _of_another_size(prior: Prior, dim: int) -> ArgumentError:
    return ArgumentError(
        f"The prior {type(prior).__name__} is not over the model's {dim} unknowns (for a regression the intercept and "
        "the one-hot columns count): give one number for all of them, or one for each."
    )


def _broadcasts(dim: int, *parameters: Any) -> bool:
    return all(np.shape(x) in ((), (1,), (dim,)) for x in parameters)


class ClosedPrior(Prior):
    """A prior whose expectation is closed; it offers `CLOSED_PRIOR`."""

    @abc.abstractmethod
    def expected_log_probs(self, q: Any) -> Float[Array, " D"]:
        """E_q[log p(z_j)] of each coordinate, in nats."""

    def expected_log_prob(self, q: Any) -> Float[Array, ""]:
        """E_q[log p(z)], in nats."""
        return jnp.sum(self.expected_log_probs(q))


def _numbers(value: Any) -> Any:
    """NumPy numbers: one as a scalar, which compares, hashes and prints as such; several as an array."""
    if isinstance(value, jax.Array):  # a traced or learned copy of a prior goes through as it is
        return value
    try:
        return np.asarray(value, float)[()]
    except (TypeError, ValueError):
        raise ArgumentError(f"Normal: {value!r} was received where a number, or one a coordinate, is needed.") from None


class Normal(ClosedPrior):
    r"""Independent normal priors: z_j ~ N(loc_j, scale_j^2).

    Attributes:
        loc: a number, or one for each coordinate.
        scale: standard deviation, a number or one for each coordinate. Both are fixed: they are never learned.

    Example:
        >>> float(Normal(0.0, 2.0).precision(3)[0])
        0.25
    """

    # Numbers that are traced, not static fields: a search over prior scales is one compilation.
    loc: Float[ArrayLike, "..."] = eqx.field(converter=_numbers, default=0.0)
    scale: Float[ArrayLike, "..."] = eqx.field(converter=_numbers, default=1.0)

    def __check_init__(self):
        loc, scale = np.asarray(self.loc), np.asarray(self.scale)
        if not np.all(np.isfinite(loc)) or not np.all(np.isfinite(scale)) or np.any(scale <= 0):
            raise ArgumentError(
                f"Normal(loc={self.loc}, scale={self.scale}): loc must be finite, and scale, a standard deviation, "
                "positive and finite; give e.g. Normal(0, 1)."
            )

    @property
    def offers(self):
        """A Gaussian prior has everything closed."""
        return frozenset({Capability.CLOSED_PRIOR, Capability.GAUSSIAN_PRIOR})

    def check_size(self, dim):
        """One number for all coordinates, or one for each."""
        if not _broadcasts(dim, self.loc, self.scale):
            raise _of_another_size(self, dim)

    def draw(self, key, shape):
        """Location plus scale times standard normal numbers."""
        return jnp.asarray(self.loc) + jnp.asarray(self.scale) * jax.random.normal(key, shape)

    def log_prob(self, z):
        """log p(z), in nats."""
        return jnp.sum(self._log_probs(z, jnp.zeros((), z.dtype)))

    def expected_log_probs(self, q):
        """E_q[log p(z_j)] = log p(mean_j) - 1/2 var_j / scale_j^2, in nats."""
        return self._log_probs(q.mean, q.variance)

    def _log_probs(self, mean, variance):
        loc, scale = jnp.asarray(self.loc, mean.dtype), jnp.asarray(self.scale, mean.dtype)
        return -0.5 * ((mean - loc) ** 2 + variance) / scale**2 - jnp.log(scale) - 0.5 * LOG_2PI

    def precision(self, dim: int) -> Float[Array, " D"]:
        """Diagonal of the prior's precision matrix."""
        return jnp.broadcast_to(1.0 / self.scale**2, (dim,))


class Independent(Prior):
    """A `numpyro.distributions` distribution over real numbers: a Laplace for each coordinate, or one over all of them.

    Its expectation under q is not closed, so the gradient has to be a sampled one.

    Attributes:
        distribution: of one coordinate, of each with a batch shape `[D]`, or of the whole vector with an event shape
            `[D]`.

    Example:
        >>> import numpyro.distributions as dist
        >>> round(float(Independent(dist.Laplace(0.0, 1.0)).log_prob(jnp.zeros(2))), 3)
        -1.386
    """

    distribution: Any

    def __check_init__(self):
        support = getattr(self.distribution, "support", None)
        inner = getattr(support, "base_constraint", support)
        if type(inner).__name__ not in ("_Real", "_RealVector"):
            raise ArgumentError(
                f"Independent({brief(self.distribution)}): coefficients and codes live on the whole real line, so "
                "their prior must too; give a numpyro.distributions distribution with real "
                "support, e.g. Laplace(0, 1) or StudentT(4, 0, 1)."
            )

    def check_size(self, dim):
        """One distribution for all coordinates, one for each, or one over all of them."""
        batch, event = self.distribution.batch_shape, self.distribution.event_shape
        if (event and (event != (dim,) or batch)) or (not event and batch not in ((), (1,), (dim,))):
            raise _of_another_size(self, dim)

    def draw(self, key, shape):
        """The distribution's own draws."""
        distribution: Any = self.distribution
        whole = bool(distribution.batch_shape or distribution.event_shape)
        return jnp.broadcast_to(distribution.sample(key, shape[:1] if whole else shape), shape)

    def log_prob(self, z):
        """log p(z), in nats."""
        return jnp.sum(self.distribution.log_prob(z))


class LearnedNormal(ClosedPrior):
    r"""Independent normal coordinates whose location and scale are learned with the model.

    .. math:: z_j \sim N(\mu_j, e^{2 \ell_j})

    Attributes:
        loc: `[D]`, the \(\mu_j\).
        log_scale: `[D]`, the \(\ell_j\).

    Example:
        >>> round(float(LearnedNormal.standard(2).log_prob(jnp.zeros(2))), 4)
        -1.8379
    """

    learned: ClassVar[bool] = True
    loc: Float[Array, " D"]
    log_scale: Float[Array, " D"]

    @classmethod
    def standard(cls, dim: int) -> "LearnedNormal":
        """Start at N(0, I)."""
        return cls(np.zeros(dim), np.zeros(dim))

    @property
    def offers(self):
        """Closed; not a fixed Gaussian prior, since it moves."""
        return frozenset({Capability.CLOSED_PRIOR})

    def check_size(self, dim):
        """One number for each coordinate."""
        if not _broadcasts(dim, self.loc, self.log_scale):
            raise _of_another_size(self, dim)

    def draw(self, key, shape):
        """Location plus scale times standard normal numbers."""
        return self.loc + jnp.exp(self.log_scale) * jax.random.normal(key, shape)

    def log_prob(self, z):
        """log p(z), in nats."""
        return jnp.sum(self._log_probs(z, jnp.zeros((), z.dtype)))

    def expected_log_probs(self, q):
        """E_q[log p(z_j)], in nats."""
        return self._log_probs(q.mean, q.variance)

    def _log_probs(self, mean, variance):
        return (
            -0.5 * ((mean - self.loc) ** 2 + variance) * jnp.exp(-2 * self.log_scale) - self.log_scale - 0.5 * LOG_2PI
        )


class BernoulliPrior(ClosedPrior):
    """Independent fair or biased coins, the prior of binary latents.

    Attributes:
        logit: of each coordinate being 1; 0 is a fair coin.

    Example:
        >>> round(float(BernoulliPrior().log_prob(jnp.ones(3))), 4)
        -2.0794
    """

    binary: ClassVar[bool] = True
    logit: float = eqx.field(static=True, default=0.0)

    @property
    def offers(self):
        """Its expectation needs the mean of q alone."""
        return frozenset({Capability.CLOSED_PRIOR})

    def draw(self, key, shape):
        """Coins with this logit."""
        return jax.random.bernoulli(key, jax.nn.sigmoid(self.logit), shape).astype(jnp.float32)

    def log_prob(self, z):
        """log p(z), in nats."""
        return jnp.sum(self._log_probs(z))

    def expected_log_probs(self, q):
        """E_q[log p(z_j)], linear in z_j, hence its value at the mean."""
        return self._log_probs(q.mean)

    def _log_probs(self, z):
        logit = jnp.asarray(self.logit, z.dtype)
        return z * logit - jnp.logaddexp(0.0, logit)
