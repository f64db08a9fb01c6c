r"""How a bend is found: natural-gradient steps on the ELBO, whose length in nats says when little is left to gain.

With theta the parameters of a bend T, q_theta the distribution of y' = T(z), r = score of p - score of q_theta, and
draws z of a standard normal distribution,

    g = E[r(y') dy'/dtheta],    F = E[grad log q_theta(y') grad log q_theta(y')'],    step = F^{-1} g,

and half of g' F^{-1} g are the nats that a step promises. g has no noise where q is right (sticking the landing), F
costs no gradient of p. A scale in a hierarchy has draws whose scores are thousands of times those of the others: they
would throw the bend away. So the share of a draw in g is bounded at first, and freed as the steps become short.

Sources: S. Amari, Natural Gradient Works Efficiently in Learning, 1998; G. Roeder, Y. Wu, D. Duvenaud, Sticking the
Landing, 2017.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.linalg import solve_triangular

from taut.algorithms.on_density.gaussians import matched_draws
from taut.core import precision
from taut.core.blocks import in_blocks
from taut.core.compilation import Compiled
from taut.families.sinh_arcsinh import Bend
from taut.verdict.warped import WarpedDensity

FEWEST, MOST = 64, 256
"""Smallest and largest number of draws for each step; and times the number of coordinates, in between."""
EACH = 12
MOST_STEPS, FEWEST_LAST, MOST_LAST = 50, 8, 24
"""Largest number of steps of one length; and numbers of steps that become shorter, half as many as came before."""
LENGTH = 0.5
"""Length of a step, as a share of the whole natural-gradient step."""
SHARE, DOUBLED, QUICKLY = 6.0, 10, 3
"""Largest share of a draw in g, in medians; numbers of steps in which it doubles, at first and at the end."""
RARE = 0.01
"""Share of the draws that may still be bounded when the steps become shorter."""
FARTHEST = 0.3
"""Longest step, in nats for each coordinate."""
LOOKED, LITTLE = 6, 0.01
"""Number of steps that are averaged, and nats that they promise below which steps become shorter."""
MUCH = 0.05
"""Nats that the last steps promise from which the bend is learned on, from twice as many draws a step."""
FIRST, LEARNED = 1024, 256
"""Draws by which F is estimated in the first step, and in the next ones, at least."""
REMEMBERED = 0.8
"""Share of F that comes from the steps before."""
TOGETHER = 256
"""Number of parameters up to which F is whole; above it is a block for each coordinate."""
RIDGE, FLOOR = 0.02, 1e-3
"""What is added to the diagonal of F: a share of it, and a number."""
BLOCK = 64
"""Draws in one call."""


class Learned(NamedTuple):
    """A bend, and what is left to gain.

    Attributes:
        bend: The bend.
        left: Nats that a step of its own parameters still promises, on average over the last steps; infinite where the
            steps ran away.
        left_error: Standard error of `left`.
        promised: Nats that the first steps promised.
    """

    bend: Bend
    left: float
    left_error: float
    promised: float


def draws_of_step(dim: int) -> int:
    """Number of draws, and so of gradients, in a step."""
    return int(np.clip(EACH * dim, FEWEST, MOST)) // 4 * 4


def most_gradients(dim: int) -> int:
    """Largest number of gradients that a bend takes."""
    return 3 * (MOST_STEPS + MOST_LAST) * draws_of_step(dim)


def learn(density: WarpedDensity, rng: np.random.Generator) -> Learned:
    """The bend of the best ELBO, from that of `density`."""
    once = _learned(density, draws_of_step(density.dim), rng)
    if once.left - once.left_error < MUCH:
        return once
    return learn_on(density.through(once.bend), rng)._replace(promised=once.promised)


def learn_on(density: WarpedDensity, rng: np.random.Generator) -> Learned:
    """The bend that more steps reach, from that of `density`: from twice as many draws each."""
    return _learned(density, 2 * draws_of_step(density.dim), rng)


def _learned(density: WarpedDensity, size: int, rng: np.random.Generator) -> Learned:
    """Steps of one length, each from `size` draws, until they promise little; then steps that become shorter."""
    parameters, metric = np.asarray(_flat(density.bend), float), _Metric()
    promises, first, last, most, before = [], 0, 0, MOST_LAST, parameters
    while last < most:
        z = matched_draws(rng, size, density.dim)
        more = rng.standard_normal((max(0, (LEARNED if promises else FIRST) - len(z)), density.dim))
        path, own = _parts(density.through(_unflat(parameters)), z, more)
        if not (np.isfinite(path).all() and np.isfinite(own).all()):  # on its way to a map without a density
            return Learned(_unflat(before), np.inf, 0.0, float(np.mean([*promises[:LOOKED], 0.0])))
        metric.see(own)
        path, bounded = _bounded(path, metric, SHARE * 2.0 ** (first / DOUBLED + last / QUICKLY))
        promises.append(_promise(path, metric))
        g = path.mean(0)
        move = metric.step(g)
        nats = max(float(np.sum(move * g)), np.finfo(float).tiny)
        rho, before = LENGTH / (1 + last / QUICKLY), parameters
        parameters = parameters + min(rho, np.sqrt(FARTHEST * density.dim / nats)) * move
        arrived = len(promises) >= LOOKED and np.mean(promises[-LOOKED:]) < LITTLE and bounded < RARE
        if last or arrived or first == MOST_STEPS:
            most = int(np.clip(first // 2, FEWEST_LAST, MOST_LAST))
            last += 1
        else:
            first += 1
    ends = np.array(promises[-FEWEST_LAST:])
    error = float(ends.std(ddof=1) / np.sqrt(len(ends)))
    return Learned(_unflat(parameters), float(ends.mean()), error, float(np.mean(promises[:LOOKED])))


class _Metric:
    """F, remembered over the steps: whole, or a block for each coordinate."""

    def __init__(self):
        self.seen: np.ndarray | None = None

    def see(self, own: Float[np.ndarray, "S D M"]) -> None:
        """Take in the gradients of log q at draws of q."""
        if self.seen is None:
            self.used = np.any(own, axis=0)
            self.whole = int(self.used.sum()) <= TOGETHER
        rows = self._rows(own)
        new = rows.swapaxes(1, 2) @ rows / len(own)
        self.seen = new if self.seen is None else REMEMBERED * self.seen + (1 - REMEMBERED) * new
        diagonal = np.einsum("baa->ba", self.seen)
        root = np.linalg.cholesky(self.seen + (RIDGE * diagonal + FLOOR)[:, :, None] * np.eye(diagonal.shape[1]))
        self.half = (
            np.linalg.inv(root) if not self.whole else solve_triangular(root[0], np.eye(len(root[0])), lower=True)[None]
        )

    def halved(self, g: Float[np.ndarray, "S D M"]) -> Float[np.ndarray, "S N"]:
        """F^{-1/2} g for each row: their squared lengths are twice the nats of steps along them."""
        found = self._rows(g) @ self.half.swapaxes(1, 2)
        return found.swapaxes(0, 1).reshape(len(g), -1)

    def step(self, g: Float[np.ndarray, "D M"]) -> Float[np.ndarray, "D M"]:
        """F^{-1} g."""
        found = (self._rows(g[None]) @ self.half.swapaxes(1, 2) @ self.half)[:, 0]
        if not self.whole:
            return found
        step = np.zeros(g.shape)
        step[self.used] = found[0]
        return step

    def _rows(self, g: Float[np.ndarray, "S D M"]) -> Float[np.ndarray, "B S N"]:
        """The entries that count, of each block."""
        return g[:, self.used][None] if self.whole else g.swapaxes(0, 1)


def _bounded(path: Float[np.ndarray, "S D M"], metric: _Metric, share: float) -> tuple[np.ndarray, float]:
    """What each draw adds to g, no longer than `share` times the median; and the share of draws that are shortened."""
    sizes = np.maximum(np.linalg.norm(metric.halved(path), axis=1), np.finfo(float).tiny)
    kept = np.minimum(1.0, share * np.median(sizes) / sizes)
    return path * kept[:, None, None], float(np.mean(kept < 1))


def _promise(path: Float[np.ndarray, "S D M"], metric: _Metric) -> float:
    """Half of g' F^{-1} g from two halves of the draws, each with its mirror images: without the noise of g."""
    quarters = path.reshape(4, -1, *path.shape[1:]).mean(1)
    one, other = metric.halved(np.stack([quarters[0] + quarters[2], quarters[1] + quarters[3]]) / 2)
    return float(0.5 * one @ other)


def _parts(density: WarpedDensity, z: Float[np.ndarray, "S D"], more: Float[np.ndarray, "N D"]):
    """r dy'/dtheta at draws z, `[S, D, M]`, and grad log q in theta there and at more draws of q, `[S + N, D, M]`."""
    scores = density.at_warped(density.bent(z)).gradient
    points, scores = np.concatenate([z, more]), np.concatenate([scores, np.zeros_like(more)])
    call = functools.partial(_of_rows, density.bend, plain=True)
    with precision.context(density.dtype):
        path, own = in_blocks(call, BLOCK, points.astype(density.dtype), scores.astype(density.dtype))
    return path[: len(z)].astype(float), own.astype(float)


def _rows(bend, z, scores):
    def log_q(warped):
        z = bend.inverse(warped)
        return -0.5 * jnp.sum(z**2) - bend(z)[1]

    def one(z, score):
        warped, along = jax.vjp(lambda bend: bend(z)[0], bend)
        score_of_q = jax.grad(log_q)(warped)
        log_det = jax.grad(lambda bend: bend(z)[1])(bend)
        # At a fixed y' the parameters move z by -J^{-1} dy', along which log q rises by -(score of q) . dy'.
        own = jax.tree.map(lambda moved, widened: -moved - widened, along(score_of_q)[0], log_det)
        return _flat(along(score - score_of_q)[0]), _flat(own)

    return jax.vmap(one)(z, scores)


_of_rows = Compiled(_rows)


def _flat(bend: Bend) -> Float[Array, "D M"]:
    """The parameters of each coordinate in a row; those above the diagonals, which do not count, are zero."""
    alone = jnp.stack([bend.log_tail, bend.skew, bend.shift, bend.log_scale], 1)
    given = (jnp.tril(part, -1) for part in (bend.bend, bend.lean, bend.funnel, bend.spread))
    return jnp.concatenate([alone, *given], 1)


def _unflat(parameters: Float[np.ndarray, "D M"]) -> Bend:
    wide = (parameters.shape[1] - 4) // 4
    return Bend(*parameters[:, :4].T, *(parameters[:, 4 + k * wide : 4 + (k + 1) * wide] for k in range(4)))
