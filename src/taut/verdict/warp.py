r"""The second of the fallbacks: the Gaussian is bent where it does not fit, and fitted again in bent coordinates.

The map T of the triangular sinh-arcsinh family is found by Adam on the ELBO, from path derivatives of matched draws,

    ELBO(T) = E_z[log p(T(z)) + log |det dT/dz|] + H(z).

Seen from z, log p(T(z)) + log |det dT/dz| is a density like any other, only more nearly Gaussian: the same two phases
of score regression run on it, with their certificate. The answer is kept only if the ELBO rises on draws that both
share.

Source: G. Roeder, Y. Wu, D. Duvenaud, Sticking the Landing, 2017.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.phases import Averaged, Phase, draws_for, fixed_draws, fresh_draws
from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.compilation import Compiled
from taut.families.full_rank import FullRank
from taut.families.sinh_arcsinh import Bend, SinhArcsinh
from taut.models.density import Density, DensityValues

STEPS, RATE, CLIP = 600, 0.02, 10.0
"""Number of steps of Adam, learning rate at the start, and largest norm of a gradient."""
TAIL = 0.25
"""Share of the steps, at the end, over which the parameters are averaged."""
FEWEST, MOST = 64, 256
"""Smallest and largest number of draws for each step of Adam."""
OPTIMISED = 8192
"""Number of numbers in a batch of draws from which an optimised translation of a step pays."""
HUGE = 1e100
"""Size from which a gradient counts as not finite."""
TRIALS = 60
"""Largest number of trials of phase 1 in bent coordinates."""
COMPARED = 1024
"""Number of draws on which the Gaussian and the bent Gaussian are compared."""


def gradients_of_steps(dim: int) -> int:
    """Number of gradients that the steps of Adam cost, which is nearly all that a bend costs."""
    return STEPS * _step_size(dim)


def _step_size(dim: int) -> int:
    return int(np.clip(draws_for(dim), FEWEST, MOST))


class Warped(NamedTuple):
    """The bent Gaussian, and whether it is better.

    Attributes:
        family: The bent Gaussian.
        density: log p as a density over its z.
        gaussian: The distribution of z, so that `density` and `gaussian` are a density and its Gaussian.
        fixed: The first phase in bent coordinates, on fixed draws.
        averaged: The second phase in bent coordinates, on fresh draws.
        gain: Difference of its ELBO to the Gaussian's, in nats, on common draws.
        gain_error: Standard error of `gain`.
        kept: Whether the gain is positive beyond two standard errors.
        evaluations: Number of gradients.
    """

    family: SinhArcsinh
    density: "WarpedDensity"
    gaussian: Gaussian
    fixed: Phase
    averaged: Averaged
    gain: float
    gain_error: float
    kept: bool
    evaluations: int


class WarpedDensity:
    """log p(T(z)) + log |det dT/dz| over z, called as a `Density` is.

    Args:
        density: log p(x).
        mean: `[D]`, m, in the order of the map.
        factor: `[D, D]`, the lower-triangular L.
        order: `[D]`, which coordinate of x comes first, second, ...
        bend: The map z -> y', with x = m + L y'.
    """

    def __init__(
        self,
        density: Density,
        mean: Float[np.ndarray, " D"],
        factor: Float[np.ndarray, "D D"],
        order: Int[np.ndarray, " D"],
        bend: Bend,
    ):
        self.mean, self.factor, self.order, self.bend = mean, factor, order, bend
        self.density, self.dim, self.dtype = density, density.dim, density.dtype
        self.size = draws_for(density.dim)
        self._log_det = float(np.sum(np.log(np.diag(factor))))

    @property
    def evaluations(self) -> int:
        """Points at which log p was computed so far."""
        return self.density.evaluations

    def place(self, warped: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """x of y'."""
        x = np.empty_like(warped)
        x[:, self.order] = self.mean + warped @ self.factor.T
        return x

    def at_warped(self, warped: Float[np.ndarray, "S D"]) -> DensityValues:
        """The density of y' and its gradient in y'."""
        values = self.density(self.place(warped))
        with np.errstate(over="ignore", invalid="ignore"):
            return _usable(values, values.value + self._log_det, values.gradient[:, self.order] @ self.factor)

    def draws(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """x of z."""
        return self.place(self._bent(z, np.zeros_like(z))[0])

    def __call__(self, z: Float[np.ndarray, "S D"]) -> DensityValues:
        """The density at each row of `z`."""
        warped, log_det, _ = self._bent(z, np.zeros_like(z))
        values = self.at_warped(warped)
        return _usable(values, values.value + log_det, self._bent(z, values.gradient)[2])

    def _bent(self, z, scores):
        """y', its log-determinant, and the gradient of scores . y' + log-determinant, for each row."""
        compiled = functools.partial(_bent, self.bend, plain=True)
        with precision.context(self.dtype):
            found = in_blocks(compiled, self.size, z.astype(self.dtype), scores.astype(self.dtype))
        return tuple(part.astype(float) for part in found)


def _usable(values: DensityValues, value, gradient) -> DensityValues:
    """`value` and `gradient` with -inf and zero where the gradient, or its square, is not finite."""
    good = np.isfinite(value) & (np.abs(gradient) < HUGE).all(1)
    return DensityValues(np.where(good, value, -np.inf), np.where(good[:, None], gradient, 0.0), values.log_likelihood)


def _bent_rows(bend, z, scores):
    def lifted(z, score):
        warped, log_det = bend(z)
        return jnp.dot(score, warped) + log_det, (warped, log_det)

    def one(z, score):
        pulled, (warped, log_det) = jax.grad(lifted, has_aux=True)(z, score)
        return warped, log_det, pulled

    return jax.vmap(one)(z, scores)


_bent = Compiled(_bent_rows)


class _State(NamedTuple):
    bend: Bend
    optimizer: Any
    average: Bend
    averaged: Float[Array, ""]


def _optimizer():
    import optax

    return optax.chain(optax.clip_by_global_norm(CLIP), optax.adam(optax.cosine_decay_schedule(RATE, STEPS)))


def _learn(
    state: _State,
    z: Float[Array, "S D"],
    scores: Float[Array, "S D"],
    late: Float[Array, ""],
    then: Float[Array, "S D"],
) -> tuple[_State, Float[Array, "S D"]]:
    """One step from the scores at y'(z), and y' of the next draws.

    Along the path y'(z) alone the gradient of the ELBO is E[(score of p - score of q) dy'], which has no noise where q
    is right (sticking the landing).
    """
    import optax

    still = state.bend

    def log_q(warped):
        z = still.inverse(warped)
        return -0.5 * jnp.sum(z**2) - still(z)[1]

    def negative_elbo(bend):
        def along(z, score):
            return jnp.dot(score - jax.grad(log_q)(still(z)[0]), bend(z)[0])

        return -jnp.mean(jax.vmap(along)(z, scores))

    updates, optimizer = _optimizer().update(jax.grad(negative_elbo)(still), state.optimizer)
    bend: Any = optax.apply_updates(state.bend, updates)
    averaged = state.averaged + late
    average = jax.tree.map(lambda a, b: a + late / jnp.maximum(averaged, 1.0) * (b - a), state.average, bend)
    return _State(bend, optimizer, average, averaged), jax.vmap(lambda z: bend(z)[0])(then)


_learn_compiled = Compiled(_learn)


def learn(density: WarpedDensity, rng: np.random.Generator) -> Bend:
    """The bend that Adam finds on the ELBO, from the identity."""
    size = _step_size(density.dim)

    def draw():
        return matched_draws(rng, size, density.dim).astype(density.dtype)

    bend = jax.tree.map(lambda a: np.asarray(a, density.dtype), density.bend)
    with precision.context(density.dtype):
        # Adam begins with zeros, which need no compiled function to be made.
        zeros = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), jax.eval_shape(_optimizer().init, bend))
        state = _State(bend, zeros, bend, np.zeros((), density.dtype))
        z = warped = draw()
        for step in range(STEPS):
            scores = density.at_warped(warped).gradient.astype(density.dtype)
            late = np.asarray(step >= (1 - TAIL) * STEPS, density.dtype)
            then = draw()
            state, warped = _learn_compiled(state, z, scores, late, then, plain=z.size < OPTIMISED)
            z, warped = then, np.asarray(warped)
    return jax.tree.map(lambda a: np.asarray(a, float), state.average)


def warp(density: Density, q: Gaussian, order: Int[np.ndarray, " D"], rng: np.random.Generator) -> Warped:
    """Bend `q`.

    Args:
        density: log p.
        q: The best Gaussian.
        order: `[D]`, a permutation of the coordinates, see `verdict.orders`.
        rng: Random numbers of the draws.
    """
    before = density.evaluations
    frame = SinhArcsinh.around(q.mean, factor=q.factor, order=order).frame
    lower = np.tril(frame.lower, -1) + np.diag(np.exp(frame.log_diagonal))
    straight = WarpedDensity(density, frame.mean, lower, order, Bend.identity(density.dim))
    bent = WarpedDensity(density, frame.mean, lower, order, learn(straight, rng))
    standard = Gaussian(np.zeros(density.dim), np.eye(density.dim))
    z = matched_draws(rng, draws_for(density.dim), density.dim)
    fixed = fixed_draws(bent, standard, z, TRIALS)
    averaged = fresh_draws(bent, fixed.gaussian, rng, len(z))

    z = matched_draws(rng, COMPARED, density.dim)
    ends = [standard, fixed.gaussian, averaged.phase.gaussian]
    values = [bent(end.at(z)).value - end.log_prob(z) for end in ends]
    best = int(np.argmax([v.mean() for v in values]))
    with np.errstate(invalid="ignore"):
        gains = values[best] - (density(q.at(z)).value - q.log_prob(z))
        gain, error = float(gains.mean()), float(gains.std()) / np.sqrt(len(z))
    family = SinhArcsinh(FullRank.of(*ends[best]), bent.bend, frame, order)
    return Warped(
        family, bent, ends[best], fixed, averaged, gain, error, bool(gain > 2 * error), density.evaluations - before
    )
