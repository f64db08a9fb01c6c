r"""log p(x) by annealed importance sampling: the second opinion, which does not depend on q being a good proposal.

Chains start in r(z) = N(0, I) and are moved by Hamiltonian Monte Carlo through

    log f_t(z) = (1 - b_t) log r(z) + b_t log p(x, z),        0 = b_0 < ... < b_T = 1,

and the weight of a chain is the product of f_t(z_{t-1}) / f_{t-1}(z_{t-1}); its mean is p(x), whatever the quality of
the moves. The encoder enters in one place only, the scale of the moves: where r and the posterior are Gaussian with
variances 1 and v, f_t is Gaussian with precision (1 - b_t) + b_t / v, and steps are taken in units of its standard
deviation.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.core.constants import LOG_2PI
from taut.diagnostics.codes import Codes, blocks, draw_key, padded
from taut.diagnostics.log_marginal import LogMarginal, MeanWeight, log_mean_weight, pooled
from taut.errors import PairingError
from taut.problem import Problem

PILOT, MEASURED = 2, 3
"""Streams of random numbers of the pilot chains and of the measured ones."""
LEAPFROGS = 5
ACCEPTANCE = 0.8
"""Acceptance rate to which the step sizes adapt."""
FIRST_STEP, GAIN = 0.5, 0.1
SHARPNESS = 4.0
"""Slope of the sigmoid schedule: temperatures are close together at both ends, where f_t changes most."""


class Annealed(NamedTuple):
    """Annealed importance sampling beside plain importance sampling on the same images: nats per example.

    Both are lower bounds in expectation, so the higher one is the nearer; a difference of many standard errors convicts
    the lower.

    Attributes:
        log_marginal: The estimate of log p(x); its draws are the chains.
        acceptance: Average acceptance rate of the Hamiltonian moves.
        temperatures: Number of temperatures T.
        importance_sampling: log p(x) of the same images by importance sampling from q.
        difference: `log_marginal.value` minus `importance_sampling`.
        difference_standard_error: Standard error of `difference`.
    """

    log_marginal: LogMarginal
    acceptance: float
    temperatures: int
    importance_sampling: float
    difference: float
    difference_standard_error: float


def _chain(problem: Problem, x, scale, key, ladder, steps, gain):
    """One chain: (log-weight, acceptance, sizes of its moves). `steps` `[T]` are the sizes, `gain` adapts them."""
    from blackjax.mcmc import hmc

    def base(z):
        return -0.5 * jnp.sum(z**2 + LOG_2PI)

    def joint(z):
        return problem.model.log_likelihood(z, x[None])[0] + problem.model.prior.log_prob(z)

    kernel = hmc.build_kernel()

    def move(z, b, step, key):
        def tempered(z):
            return (1 - b) * base(z) + b * joint(z)

        of_jitter, of_move = jax.random.split(key)
        variance = 1 / ((1 - b) + b / scale**2)
        # A random length keeps the trajectory from closing on itself, which it would do on a Gaussian.
        step = step * jax.random.uniform(of_jitter, (), z.dtype, 0.5, 1.0)
        moved, info = kernel(of_move, hmc.init(z, tempered), tempered, step, variance, LEAPFROGS)
        return moved.position, info.acceptance_rate

    def temper(state, level):
        z, log_weight, factor = state
        before, b, number, given = level
        log_weight = log_weight + (b - before) * (joint(z) - base(z))
        z, chance = move(z, b, factor * given, jax.random.fold_in(key, number + 1))
        return (z, log_weight, factor * jnp.exp(gain * (chance - ACCEPTANCE))), (chance, factor * given)

    z = jax.random.normal(jax.random.fold_in(key, 0), scale.shape, scale.dtype)
    zero, one = jnp.zeros((), z.dtype), jnp.ones((), z.dtype)
    levels = (ladder[:-1], ladder[1:], jnp.arange(len(steps)), steps)
    (_, log_weight, _), (chances, used) = jax.lax.scan(temper, (z, zero, one), levels)
    return log_weight, jnp.mean(chances), used


@Compiled
def _scales(members):
    return jnp.sqrt(jax.vmap(lambda q: q.variance)(members))


@Compiled
def _chains(problem: Problem, seed, stream, ladder, gain, chains: int, images, scales, places, steps):
    """Log-weights `[B, chains]`, acceptance `[B]` and sizes of the moves `[B, T]` of B images."""

    def one(x, scale, place, steps):
        def run(key):
            return _chain(problem, x, scale, key, ladder, steps, gain)

        keys = jax.vmap(lambda number: draw_key(seed, stream, place, number))(jnp.arange(chains))
        log_weights, chances, used = jax.vmap(run)(keys)
        return log_weights, jnp.mean(chances), jnp.exp(jnp.mean(jnp.log(used), axis=0))

    return jax.vmap(one)(images, scales, places, steps)


def anneal(
    problem: Problem,
    images: np.ndarray,
    codes: Codes,
    importance: MeanWeight,
    *,
    chains: int = 16,
    temperatures: int = 200,
    seed: int = 0,
    batch: int = 20,
) -> Annealed:
    """log p(x) of a few images by annealed importance sampling.

    Args:
        problem: A fitted problem with continuous codes.
        images: `[n, ...]`; each costs about `chains * temperatures * 40` decoder calls.
        codes: Codes of the same images; they scale the moves.
        importance: log p(x) of the same images by importance sampling.
        chains: Number of chains of each image.
        temperatures: Number of temperatures T.
        seed: Seed of the chains.
        batch: Number of images at once.

    Raises:
        PairingError: binary codes, on which Hamiltonian moves are impossible.

    Source: R. Neal, Annealed Importance Sampling, 2001; Y. Wu, Y. Burda, R. Salakhutdinov, R. Grosse, On the
    Quantitative Analysis of Decoder-Based Generative Models, 2017.
    """
    if Capability.REPARAMETRISED not in problem.family.offers:
        raise PairingError(
            "Annealed importance sampling moves z along its gradient, and binary codes have none. Leave it out: "
            "importance sampling with more draws is what remains."
        )
    scales = np.asarray(_scales(codes.q, plain=True))
    ladder = _ladder(temperatures).astype(images.dtype)
    log_weights, chances = [], []
    for places in blocks(len(images), batch):
        block = padded((images, scales, np.arange(len(images), dtype=np.int32)), places, batch)
        steps = np.full((batch, temperatures), FIRST_STEP, images.dtype)
        # Steps that adapt to their own chain would bias its weight: pilot chains find them, fresh chains use them.
        for stream, gain in ((PILOT, GAIN), (MEASURED, 0.0)):
            stages = np.asarray(seed), np.asarray(stream), ladder, np.asarray(gain, images.dtype)
            seen, chance, steps = _chains(problem, *stages, chains, *block, steps, plain=False)
        log_weights.append(np.asarray(seen, float)[: len(places)])
        chances.append(np.asarray(chance, float)[: len(places)])
    value = LogMarginal.average(log_mean_weight(np.concatenate(log_weights)), chains)
    plain, both = float(importance.log.mean()), float(np.hypot(value.standard_error, pooled(importance.standard_error)))
    return Annealed(value, float(np.concatenate(chances).mean()), temperatures, plain, value.value - plain, both)


def _ladder(T: int) -> np.ndarray:
    """0 = b_0 < ... < b_T = 1, a sigmoid."""
    s = 1 / (1 + np.exp(-SHARPNESS * np.linspace(-1, 1, T + 1)))
    return (s - s[0]) / (s[-1] - s[0])
