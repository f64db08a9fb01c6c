r"""Many short Hamiltonian chains in the family's own coordinates: the last of the fallbacks.

A family whose draws are x = T(eps) with normal eps makes the posterior nearly N(0, I) in eps,

    log p(eps) = log p(T(eps)) + log N(eps) - log q(T(eps)).

So chains that start at q's own draws have little way to go, one step size serves all, and what they move away from q is
what q got wrong. The kernel is BlackJAX's. Step size and trajectory length are shared by all chains, which keeps the
whole run one compiled function.

Sources: M. Hoffman, P. Sountsov, J. Dillon, I. Langmore, D. Tran, S. Vasudevan, NeuTra-lizing Bad Geometry in
Hamiltonian Monte Carlo Using Neural Transport, 2019; C. Margossian, M. Hoffman, P. Sountsov, L. Riou-Durand,
A. Vehtari, A. Gelman, Nested R-hat, 2024 (what R-hat says of many short chains).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from taut.core import precision
from taut.core.batch import Batch
from taut.core.programs import Shared
from taut.core.trees import cast
from taut.families.base import Family
from taut.models.base import Model
from taut.models.target import Target

CHAINS, TRANSITIONS, LEAPFROGS = 400, 100, 16
"""Number of chains, of transitions of each chain, and of leapfrog steps of a transition at most."""
GRADIENTS = CHAINS * TRANSITIONS * LEAPFROGS // 4
"""Number of gradients in all, about: after adaptation a transition takes a quarter of the most leapfrog steps."""
TIMES = (0.5, np.pi)
"""Shortest and longest time of a trajectory: on N(0, I) draws a time T apart correlate by cos T."""
ACCEPTANCE = 0.8
"""Acceptance rate to which the step size is adapted."""
FIRST_STEP = 0.3
"""Step size before adaptation."""
MOST_R_HAT, MOST_DRIFT = 1.05, 0.1
"""Largest R-hat, and largest drift of a mean in sds, of chains that agree."""


class Moments(NamedTuple):
    """Means and standard deviations from chains, with their Monte Carlo errors between chains.

    Attributes:
        mean, sd: `[D]`, means and standard deviations.
        mean_error, sd_error: `[D]`, their standard errors.
        r_hat: `[D]`, R-hat of the whole chains: high where single chains have not seen what all have seen.
        drift: `[D]`, means of the second half of all chains less those of the first, in sds. Many short chains show a
            drift far better than splitting each of them would, which makes R-hat high for shortness alone.
    """

    mean: Float[np.ndarray, " D"]
    sd: Float[np.ndarray, " D"]
    mean_error: Float[np.ndarray, " D"]
    sd_error: Float[np.ndarray, " D"]
    r_hat: Float[np.ndarray, " D"]
    drift: Float[np.ndarray, " D"]

    @property
    def agree(self) -> bool:
        """Whether the chains agree and have stopped drifting."""
        return bool(np.all(self.r_hat < MOST_R_HAT) and np.all(np.abs(self.drift) < MOST_DRIFT))


class HamiltonianDraws(NamedTuple):
    """The draws of the chains, and how the sampling went.

    Attributes:
        draws: `[chains, kept, D]`, x unconstrained, the second half of each chain.
        moments: Moments of the draws.
        acceptance: Average acceptance rate of the kept transitions.
        divergences: Number of kept transitions that diverged.
        step_size: Step size after adaptation.
        evaluations: Number of gradients.
    """

    draws: Float[np.ndarray, "M N D"]
    moments: Moments
    acceptance: float
    divergences: int
    step_size: float
    evaluations: int


def moments(draws: Float[np.ndarray, "M N D"]) -> Moments:
    """The moments of M chains of N draws; the chains are independent, the draws of a chain are not."""
    M, N, _ = draws.shape
    mean = draws.mean((0, 1))
    square = (draws - mean) ** 2
    sd = np.sqrt(square.mean((0, 1)))

    def between(a):
        return a.mean(1).std(0, ddof=1) / np.sqrt(M)

    early, late = draws[:, : N // 2].mean((0, 1)), draws[:, N // 2 :].mean((0, 1))
    within = draws.var(1, ddof=1).mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r_hat = np.sqrt(1 - 1 / N + draws.mean(1).var(0, ddof=1) / within)
        return Moments(mean, sd, between(draws), between(square) / (2 * sd), r_hat, (late - early) / sd)


def hamiltonian_draws(
    model: Model,
    batch: Batch,
    family: Family,
    seed: int,
    dtype: np.dtype,
    chains: int = CHAINS,
    transitions: int = TRANSITIONS,
    leapfrogs: int = LEAPFROGS,
    plain: bool = True,
) -> HamiltonianDraws:
    """Chains on the posterior that start from draws of `family`.

    Args:
        model: A model with one z for all rows.
        batch: All rows.
        family: A family whose noise is one normal number for each coordinate.
        seed: Seed of the chains.
        dtype: The dtype of the computation.
        chains: Number of chains.
        transitions: Number of transitions of each chain; the first half adapts the step size and is dropped.
        leapfrogs: Largest number of leapfrog steps of a transition.
        plain: Whether to compile plainly, which is faster in all unless the model is large.
    """
    rng = np.random.default_rng(seed)
    with precision.context(dtype):
        model, batch, family = cast((model, batch, family), dtype)
        start = rng.standard_normal((chains, family.dim)).astype(dtype)
        key = np.array(jax.random.key_data(jax.random.key(seed)))
        times = rng.uniform(*TIMES, transitions).astype(dtype)
        draws, *rest = _run(model, batch, family, start, times, np.array(leapfrogs), key, plain=plain)
    draws = np.asarray(draws, float).swapaxes(0, 1)
    acceptance, divergences, step_size, moves = (r.item() for r in rest)
    return HamiltonianDraws(draws, moments(draws), acceptance, divergences, step_size, chains * (1 + moves))


def _chains(model, batch, family, start, times, most, key):
    from blackjax.adaptation.step_size import dual_averaging_adaptation
    from blackjax.mcmc import hmc

    cut = model.units(batch)
    target = Target(model, batch.rows, cut.weights[0], cut.scale[0])

    def log_density(noise):
        x, log_q = family.sample_and_log_prob(noise)
        return target.log_likelihood(x) + target.log_prior(x) - log_q - 0.5 * jnp.sum(noise**2)

    kernel = hmc.build_kernel()
    one = jnp.ones(family.dim, start.dtype)
    all_chains = jax.vmap(
        lambda key, state, step, length: kernel(key, state, log_density, step, one, length), (0, 0, None, None)
    )
    init, update, final = dual_averaging_adaptation(ACCEPTANCE)
    half = len(times) // 2

    def transition(carry, now):
        states, adapting = carry
        time, key, t = now
        step = jnp.where(t < half, jnp.exp(adapting.log_step_size), final(adapting))
        length = jnp.clip(jnp.round(time / step).astype(int), 1, most)
        states, info = all_chains(jax.random.split(key, len(start)), states, step, length)
        acceptance = jnp.mean(info.acceptance_rate)
        updated = update(adapting, acceptance)
        adapting = jax.tree.map(lambda new, old: jnp.where(t < half, new, old), updated, adapting)
        return (states, adapting), (states.position, acceptance, jnp.sum(info.is_divergent), length)

    states = jax.vmap(lambda position: hmc.init(position, log_density))(start)
    # A chain without a density to begin with takes the place of one that has.
    finite = jnp.isfinite(states.logdensity) & jnp.all(jnp.isfinite(states.logdensity_grad), axis=1)
    places = jnp.where(finite, jnp.arange(len(start)), jnp.argmax(finite))
    states = jax.tree.map(lambda a: jnp.take(a, places, axis=0), states)
    keys = jax.random.split(jax.random.wrap_key_data(key), len(times))
    (_, adapting), (positions, acceptance, divergent, lengths) = jax.lax.scan(
        transition, (states, init(FIRST_STEP)), (times, keys, jnp.arange(len(times)))
    )
    draws = jax.vmap(jax.vmap(family.sample))(jnp.asarray(positions)[half:])
    return draws, jnp.mean(acceptance[half:]), jnp.sum(divergent[half:]), final(adapting), jnp.sum(lengths)


_run = Shared(_chains)
