r"""How K draws are arranged: independent, in mirrored pairs, with exact moments, or along a Sobol sequence.

Only `noise` changes; an estimator sees draws of q. Each arrangement but one leaves every single draw distributed as q,
so the mean of any function over the draws keeps its expectation: *antithetic* pairs u, 1 - u have exact odd moments, a
*Sobol* sequence with a random digital shift covers the cube evenly. *Moment-matched* draws are antithetic pairs of
normals that are whitened, Z (Z'Z/K)^{-1/2} up to a rotation: their mean and covariance are exact, so that a Gaussian
target has no noise left, but a single whitened draw is no longer normal, and other expectations err by O(1/K).

Draws that know of each other serve a mean over draws, and nothing that compares a draw with the others.

Source: A. Owen, Monte Carlo Theory, Methods and Examples, 2013 (chapters 8 and 17); A. Buchholz, F. Wenzel, S. Mandt,
Quasi-Monte Carlo Variational Inference, 2018.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray

from taut.core.capabilities import Capability
from taut.core.triangular import solve_lower
from taut.errors import ArgumentError
from taut.families.abilities import UniformNoise
from taut.families.base import Family
from taut.gradients.base import Gradient
from taut.gradients.evaluate import over_draws

DRAWS = ("independent", "antithetic", "moment-matched", "sobol")
BITS = 23
"""Bits of a uniform number: the midpoints of 2^23 cells are exact in single precision, and none is 0 or 1."""
NEEDS = {
    "independent": frozenset(),
    "antithetic": frozenset({Capability.UNIFORM_NOISE, Capability.MEAN_OVER_DRAWS}),
    "moment-matched": frozenset({Capability.NORMAL_NOISE, Capability.MEAN_OVER_DRAWS}),
    "sobol": frozenset({Capability.UNIFORM_NOISE, Capability.MEAN_OVER_DRAWS}),
}


class Sampled(Gradient):
    """An estimator whose K draws may be arranged.

    Attributes:
        draws: Arrangement: "independent", "antithetic" (K even), "moment-matched" (K even and at least 2 D; biased by
            O(1/K)) or "sobol" (best with K a power of two).
    """

    draws: str = eqx.field(static=True, default="independent", kw_only=True)

    def __check_init__(self):
        if self.draws not in DRAWS:
            raise ArgumentError(f"{type(self).__name__}(draws={self.draws!r}): one of {', '.join(DRAWS)}.")
        if self.draws in ("antithetic", "moment-matched") and self.samples % 2:
            raise ArgumentError(
                f"{type(self).__name__}(samples={self.samples}, draws={self.draws!r}): mirrored draws come in pairs; "
                "give an even number."
            )

    @property
    def unbiased(self) -> bool:
        """True but for moment-matched draws."""
        return self.draws != "moment-matched"

    @property
    def label(self) -> str:
        """The name, with the arrangement where it is another than independent."""
        return super().label if self.draws == "independent" else f"{super().label} ({self.draws} draws)"

    def requirements(self, model):
        """Also what the arrangement asks of family and objective."""
        return super().requirements(model) | NEEDS[self.draws]

    def noise(self, key: PRNGKeyArray, q: Family) -> Any:
        """The random numbers of K draws in their arrangement."""
        if self.draws == "independent":
            return super().noise(key, q)
        example = jax.eval_shape(q.noise, key)
        if self.draws == "moment-matched":
            return moment_matched(jax.random.normal(key, (self.samples // 2, q.dim), example.dtype))
        if self.draws == "antithetic":
            half = jax.random.uniform(key, (self.samples // 2, q.dim), example.dtype)
            return over_draws(cast(UniformNoise, q).noise_at, mirrored(half))
        shift = jax.random.randint(key, (q.dim,), 0, 2**BITS, jnp.int32)
        points = shifted(sobol(self.samples, q.dim), shift).astype(example.dtype)
        return over_draws(cast(UniformNoise, q).noise_at, points)


def mirrored(half: Float[Array, "H D"]) -> Float[Array, "2H D"]:
    """Numbers in [0, 1) moved into the middle of their cells, and their reflections 1 - u."""
    u = (jnp.floor(half * 2**BITS) + 0.5) / 2**BITS
    return jnp.concatenate([u, 1 - u])


def moment_matched(half: Float[Array, "H D"]) -> Float[Array, "2H D"]:
    """Normals and their negatives, whitened: the mean is 0 and the mean square the identity, exactly.

    Raises:
        ArgumentError: fewer than 2 D draws, which no covariance matrix can be made of.
    """
    H, D = half.shape
    if H < D:
        raise ArgumentError(
            f"Moment-matched draws of {D} coordinates need at least {2 * D}, and samples={2 * H}; raise samples, or "
            "take draws='antithetic' or 'sobol'."
        )
    # Z L^{-T} with L L' = Z'Z/H is the Q of a QR decomposition, scaled: uniform over orthonormal frames, as the
    # symmetric root would be.
    factor = jnp.linalg.cholesky(half.T @ half / H)
    white = solve_lower(factor, half.T).T
    return jnp.concatenate([white, -white])


def sobol(K: int, D: int) -> np.ndarray:
    """The first K points of the D-dimensional Sobol sequence, as whole numbers of cells `[K, D]`."""
    from scipy.stats.qmc import Sobol  # half a second to import

    points = Sobol(D, scramble=False, bits=BITS).random_base2(int(np.ceil(np.log2(K))))[:K]
    return np.round(points * 2**BITS).astype(np.int32)


def shifted(points: Int[ArrayLike, "K D"], shift: Int[ArrayLike, " D"]) -> Float[Array, "K D"]:
    """The middles of the points' cells after a digital shift: with a uniform shift each point is uniform."""
    return (jnp.bitwise_xor(points, shift) + 0.5) / 2**BITS
