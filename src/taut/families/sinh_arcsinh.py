r"""A Gaussian bent twice: each coordinate's skew and tails, then location and scale given the first few coordinates.

With z a draw of a Gaussian and s_j = 8 tanh(y_j / 8), which is y_j where the mass is,

    y_i  = sinh(e^{t_i} arcsinh(z_i) + e_i),
    y'_i = y_i exp(6 tanh(h_i / 6) + b_i) + sum_j Q_ij (y_j^2 - 1) + sum_j R_ij y_j + a_i,
    h_i  = sum_j D_ij s_j + sum_j E_ij (s_j^2 - 1),        j < i, j < C,
    x    = m + L y'.

t gives heavy or light tails, e skewness, D the funnel of a hierarchy (a scale that depends on a log-scale), E tails
that are heavy together, Q the bend of a banana. Every Jacobian is triangular, so that the density is closed.

Sources: M. Jones, A. Pewsey, Sinh-arcsinh Distributions, 2009; A. Spantini, D. Bigoni, Y. Marzouk, Inference via
Low-Dimensional Couplings, 2018 (triangular maps).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.constants import LOG_2PI
from taut.core.triangular import solve_lower
from taut.families.base import Distribution
from taut.families.full_rank import FullRank

CONDITIONERS = 8
"""C, the largest number of coordinates on which location and scale of the later ones depend."""
KNEE = 8.0
"""Value at which s, which is y at small values, saturates."""
BOUND = 6.0
"""Largest change of a log-scale by the conditioners."""


class Bend(eqx.Module):
    """The map z -> y' of standardised coordinates and its inverse.

    Attributes:
        log_tail: `[D]`, t: above 0 the tails are heavier than a Gaussian's.
        skew: `[D]`, e.
        shift: `[D]`, a.
        log_scale: `[D]`, b.
        bend: `[D, C]`, Q.
        lean: `[D, C]`, R.
        funnel: `[D, C]`, D.
        spread: `[D, C]`, E. Of these four only what lies below the diagonal counts.
    """

    log_tail: Float[Array, " D"]
    skew: Float[Array, " D"]
    shift: Float[Array, " D"]
    log_scale: Float[Array, " D"]
    bend: Float[Array, "D C"]
    lean: Float[Array, "D C"]
    funnel: Float[Array, "D C"]
    spread: Float[Array, "D C"]

    @classmethod
    def identity(cls, dim: int) -> "Bend":
        """The map that changes nothing."""
        wide = (dim, min(CONDITIONERS, dim))
        return cls(*(np.zeros(dim) for _ in range(4)), *(np.zeros(wide) for _ in range(4)))

    def _given(self, first: Float[Array, " C"], size: int) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
        """Locations and log-scales of the first `size` coordinates given those that are conditioned on."""

        def below(matrix):
            return jnp.tril(matrix[:size], -1)

        s = KNEE * jnp.tanh(first / KNEE)
        location = below(self.bend) @ (first**2 - 1) + below(self.lean) @ first + self.shift[:size]
        h = below(self.funnel) @ s + below(self.spread) @ (s**2 - 1)
        return location, BOUND * jnp.tanh(h / BOUND) + self.log_scale[:size]

    def __call__(self, z: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """y' and the log-determinant of its Jacobian, in nats."""
        u = jnp.exp(self.log_tail) * jnp.arcsinh(z) + self.skew
        y = jnp.sinh(u)
        location, log_scale = self._given(y[: self.bend.shape[1]], y.size)
        # cosh u = (e^u + e^-u) / 2 without overflow
        log_cosh = jnp.logaddexp(u, -u) - np.log(2.0)
        return location + jnp.exp(log_scale) * y, jnp.sum(log_cosh + self.log_tail - 0.5 * jnp.log1p(z**2) + log_scale)

    def inverse(self, warped: Float[Array, " D"]) -> Float[Array, " D"]:
        """The z with this y'."""
        # y_i needs y_j with j < min(i, C): each sweep makes one more of the first C exact, and these give all others.
        C = self.bend.shape[1]

        def unbent(first, size):
            location, log_scale = self._given(first, size)
            return (warped[:size] - location) * jnp.exp(-log_scale)

        first = jax.lax.fori_loop(0, C, lambda _, first: unbent(first, C), jnp.zeros_like(warped[:C]))
        y = unbent(first, warped.size)
        return jnp.sinh((jnp.arcsinh(y) - self.skew) * jnp.exp(-self.log_tail))


class SinhArcsinh(Distribution):
    """The triangular sinh-arcsinh family: a Gaussian, a bend, and the Gaussian frame around which it bends.

    Attributes:
        base: The distribution of z.
        bend: The map from z to y'.
        frame: The Gaussian with mean m and factor L, its coordinates in `order`.
        order: `[D]`, the coordinate of x that comes first, second, ...; those on which others depend come first.

    Example:
        >>> q = SinhArcsinh.around([0.0, 1.0], factor=np.diag([1.0, 2.0]), order=[1, 0])
        >>> q.frame.mean.tolist()  # the second coordinate comes first
        [1.0, 0.0]
    """

    name: ClassVar[str] = "sinh-arcsinh"
    base: FullRank
    bend: Bend
    frame: FullRank
    order: Int[np.ndarray, " D"]

    @classmethod
    def around(cls, mean, sd=1.0, factor=None, order=None) -> "SinhArcsinh":
        """Start as the Gaussian N(mean, factor factor').

        Args:
            mean: `[D]`.
            sd: a number or `[D]`, where no factor is given.
            factor: `[D, D]`, any square root of the covariance.
            order: `[D]`, a permutation; as they come by default.
        """
        mean = np.asarray(mean, float)
        order = np.arange(mean.size) if order is None else np.asarray(order, int)
        factor = np.diag(np.broadcast_to(sd, mean.shape)) if factor is None else np.asarray(factor)
        standard = FullRank.of(np.zeros(mean.size), np.eye(mean.size))
        return cls(standard, Bend.identity(mean.size), FullRank.of(mean[order], factor[order]), order)

    @property
    def dim(self) -> int:
        """Length of x."""
        return self.order.shape[0]

    @property
    def offers(self):
        """Draws that follow the parameters, one normal number a coordinate, nothing closed but the density."""
        return frozenset({Capability.REPARAMETRISED, Capability.UNIFORM_NOISE, Capability.NORMAL_NOISE})

    def noise(self, key: PRNGKeyArray) -> Float[Array, " D"]:
        """Standard normal numbers, one a coordinate."""
        return self.base.noise(key)

    def noise_at(self, uniform: Float[Array, " D"]) -> Float[Array, " D"]:
        """The normal quantiles of numbers in (0, 1)."""
        return self.base.noise_at(uniform)

    def sample(self, noise: Float[Array, " D"]) -> Float[Array, " D"]:
        """The draw that `noise` gives."""
        return self.sample_and_log_prob(noise)[0]

    def sample_and_log_prob(self, noise: Float[Array, " D"]) -> tuple[Float[Array, " D"], Float[Array, ""]]:
        """The draw and its log density, by the Jacobian of the way there."""
        warped, log_det = self.bend(self.base.sample(noise))
        x = self.frame.sample(warped)
        log_det = log_det + jnp.sum(self.base.log_diagonal) + jnp.sum(self.frame.log_diagonal)
        return jnp.zeros_like(x).at[self.order].set(x), jnp.sum(-0.5 * noise**2 - 0.5 * LOG_2PI) - log_det

    def log_prob(self, x: Float[Array, " D"]) -> Float[Array, ""]:
        """Log density log q(x), in nats, by the way back."""
        warped = solve_lower(self.frame.factor, x[self.order] - self.frame.mean)
        z = self.bend.inverse(warped)
        return self.base.log_prob(z) - self.bend(z)[1] - jnp.sum(self.frame.log_diagonal)
