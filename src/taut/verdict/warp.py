r"""Rung B of the ladder: bend the Gaussian where it does not fit, then fit a Gaussian again in bent coordinates.

The map T of the triangular sinh-arcsinh family is found by Adam on the ELBO, from path derivatives of matched draws,

    ELBO(T) = E_z[log p(T(z)) + log |det dT/dz|] + H(z).

Seen from z, log p(T(z)) + log |det dT/dz| is a density like any other, only more nearly Gaussian: the same two phases
of score regression run on it, with their certificate. The answer is kept only if the ELBO rises on draws that both
share.

Source: G. Roeder, Y. Wu, D. Duvenaud, Sticking the Landing, 2017.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from taut.algorithms.on_density.gaussians import Gaussian, matched_draws
from taut.algorithms.on_density.phases import Averaged, Climbed, draws_for, fixed_draws, fresh_draws
from taut.core import precision
from taut.core.compilation import Compiled
from taut.families.full_rank import FullRank
from taut.families.sinh_arcsinh import Bend, SinhArcsinh
from taut.models.density import Density, Seen
from taut.models.supports import Unknowns

STEPS = 600
RATE = 0.02
CLIP = 10.0
TAIL = 0.25
"""Share of the steps, the last, over which the parameters are averaged."""
FEWEST, MOST = 64, 256
"""Draws for each step of Adam."""
OPTIMISED = 8192
"""Numbers in a batch of draws from which on an optimised translation of a step pays."""
HUGE = 1e100
"""Size of a gradient from which on it is none."""
TRIALS = 60
"""Of phase 1 in bent coordinates."""
COMPARED = 1024
"""Draws on which the Gaussian and what it became are compared."""


class Warped(NamedTuple):
    """The outcome.

    Attributes:
        family: the bent Gaussian.
        density: log p seen from its z.
        gaussian: its base, the law of z: `density` and `gaussian` go wherever a density and its Gaussian go.
        climbed, averaged: the two phases in bent coordinates.
        gain: by which its ELBO is above the Gaussian's, in nats, on common draws.
        gain_error: standard error.
        kept: whether the gain is positive beyond two standard errors.
        evaluations: gradients that it cost.
    """

    family: SinhArcsinh
    density: "WarpedDensity"
    gaussian: Gaussian
    climbed: Climbed
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
        bend: z -> y', with x = m + L y'.
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

    def seen(self, warped: Float[np.ndarray, "S D"]) -> Seen:
        """The density of y', its gradient there."""
        seen = self.density(self.place(warped))
        with np.errstate(over="ignore", invalid="ignore"):
            return _usable(seen, seen.value + self._log_det, seen.gradient[:, self.order] @ self.factor)

    def draws(self, z: Float[np.ndarray, "S D"]) -> Float[np.ndarray, "S D"]:
        """x of z."""
        return self.place(self._bent(z, np.zeros_like(z))[0])

    def __call__(self, z: Float[np.ndarray, "S D"]) -> Seen:
        """The density at each row of `z`."""
        warped, log_det, _ = self._bent(z, np.zeros_like(z))
        seen = self.seen(warped)
        return _usable(seen, seen.value + log_det, self._bent(z, seen.gradient)[2])

    def _bent(self, z, scores):
        """Of every row y', its log-determinant and the gradient of scores . y' + log-determinant, in blocks."""
        size = -(-len(z) // self.size) * self.size

        def pad(a):
            return np.concatenate([a, np.repeat(a[-1:], size - len(a), axis=0)]).astype(self.dtype)

        z, scores, count = pad(z), pad(scores), len(z)
        with precision.context(self.dtype):
            blocks = [
                _bent(self.bend, z[i : i + self.size], scores[i : i + self.size], plain=True)
                for i in range(0, size, self.size)
            ]
        return tuple(np.concatenate([np.asarray(b[i]) for b in blocks])[:count].astype(float) for i in range(3))


def _usable(seen: Seen, value, gradient) -> Seen:
    """As `Seen` promises: no density where the gradient is no number, or one whose square is none."""
    good = np.isfinite(value) & (np.abs(gradient) < HUGE).all(1)
    return Seen(np.where(good, value, -np.inf), np.where(good[:, None], gradient, 0.0), seen.log_likelihood)


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
    """Adam on the ELBO from the identity."""
    size = int(np.clip(draws_for(density.dim), FEWEST, MOST))

    def draw():
        return matched_draws(rng, size, density.dim).astype(density.dtype)

    bend = jax.tree.map(lambda a: np.asarray(a, density.dtype), density.bend)
    with precision.context(density.dtype):
        # Adam begins with zeros, which need no compiled function to be made.
        zeros = jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), jax.eval_shape(_optimizer().init, bend))
        state = _State(bend, zeros, bend, np.zeros((), density.dtype))
        z = warped = draw()
        for step in range(STEPS):
            scores = density.seen(warped).gradient.astype(density.dtype)
            late = np.asarray(step >= (1 - TAIL) * STEPS, density.dtype)
            then = draw()
            state, warped = _learn_compiled(state, z, scores, late, then, plain=z.size < OPTIMISED)
            z, warped = then, np.asarray(warped)
    return jax.tree.map(lambda a: np.asarray(a, float), state.average)


def warp(density: Density, q: Gaussian, order: Int[np.ndarray, " D"], rng: np.random.Generator) -> Warped:
    """Bend `q`.

    Args:
        density: log p.
        q: the best Gaussian.
        order: `[D]`, a permutation of the coordinates, see `scales_first`.
        rng: for the draws.
    """
    before = density.evaluations
    frame = SinhArcsinh.around(q.mean, factor=q.factor, order=order).frame
    lower = np.tril(frame.lower, -1) + np.diag(np.exp(frame.log_diagonal))
    straight = WarpedDensity(density, frame.mean, lower, order, Bend.identity(density.dim))
    bent = WarpedDensity(density, frame.mean, lower, order, learn(straight, rng))
    standard = Gaussian(np.zeros(density.dim), np.eye(density.dim))
    z = matched_draws(rng, draws_for(density.dim), density.dim)
    climbed = fixed_draws(bent, standard, z, TRIALS)
    averaged = fresh_draws(bent, climbed.gaussian, rng, len(z))

    z = matched_draws(rng, COMPARED, density.dim)
    ends = [standard, climbed.gaussian, averaged.climbed.gaussian]
    values = [bent(end.at(z)).value - end.log_prob(z) for end in ends]
    best = int(np.argmax([v.mean() for v in values]))
    with np.errstate(invalid="ignore"):
        gains = values[best] - (density(q.at(z)).value - q.log_prob(z))
        gain, error = float(gains.mean()), float(gains.std()) / np.sqrt(len(z))
    family = SinhArcsinh(FullRank.of(*ends[best]), bent.bend, frame, order)
    return Warped(
        family, bent, ends[best], climbed, averaged, gain, error, bool(gain > 2 * error), density.evaluations - before
    )


def scales_first(unknowns: Unknowns) -> Int[np.ndarray, " D"]:
    """The order in which a hierarchy depends on its unknowns: positive scalars, other scalars, then vectors."""
    sizes = [int(np.prod(shape)) for shape in unknowns.free_shapes]
    rank = [(size > 1, kind != "positive") for size, kind in zip(sizes, unknowns.kinds, strict=True)]
    places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    return np.concatenate([places[i] for i in sorted(range(len(sizes)), key=lambda i: rank[i])])


def orders(density: Density, q: Gaussian, unknowns: Unknowns, rng: np.random.Generator) -> list[Int[np.ndarray, " D"]]:
    """Orders worth trying until one is trusted: scales first, hubs first, and both from the back, none twice.

    Only trying tells which of two coordinates depends on the other: to third order "the scale of x depends on v" and
    "v bends with x squared" are one and the same.
    """
    first = [scales_first(unknowns), hubs_first(density, q, rng)]
    found: dict[tuple[int, ...], Any] = {}
    for order in (*first, *(order[::-1] for order in first)):
        found.setdefault(tuple(order.tolist()), order)
    return list(found.values())


def hubs_first(density: Density, q: Gaussian, rng: np.random.Generator) -> Int[np.ndarray, " D"]:
    """Coordinates on which the precisions of many others depend come first.

    With standardised z and scores g, -E[g_i z_i z_j] says how the precision of i changes with z_j.
    """
    x = q.at(matched_draws(rng, COMPARED, density.dim))
    z, g = (x - q.mean) / q.sd, density(x).gradient * q.sd
    # A few wild draws must not decide.
    g = np.clip(g, *np.quantile(g, [0.01, 0.99], axis=0))
    depends = (z.T @ (g * z) / len(z)) ** 2
    np.fill_diagonal(depends, 0.0)
    return np.argsort(-depends.sum(1), kind="stable")
