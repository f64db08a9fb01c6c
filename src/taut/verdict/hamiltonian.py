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
from jaxtyping import Bool, Float

from taut.core import precision
from taut.core.batch import Batch
from taut.core.programs import Shared
from taut.core.trees import cast
from taut.families.base import Family
from taut.models.base import Model
from taut.models.target import Target

MANY_CHAINS, TRANSITIONS, LEAPFROGS = 400, 100, 16
"""Number of chains, of transitions of each chain, and of leapfrog steps of a transition at most."""
FEW_CHAINS = 64
"""Number of chains where there are many unknowns: each holds all of them, and noise of a tenth of an sd is little."""
GRADIENTS_EACH = TRANSITIONS * LEAPFROGS // 4
"""Gradients of a chain, about: after adaptation a transition takes a quarter of the most leapfrog steps."""
TIMES = (0.5, np.pi)
"""Shortest and longest time of a trajectory: on N(0, I) draws a time T apart correlate by cos T."""
ACCEPTANCE = 0.8
"""Acceptance rate to which the step size is adapted."""
FIRST_STEP = 0.3
"""Step size before adaptation."""
MOST_R_HAT, MOST_DRIFT = 1.05, 0.1
"""Largest R-hat, and largest drift of a mean in sds, of chains that agree."""
NOISE = 4.0
"""Standard errors up to which a drift is noise: of a thousand unknowns that do not drift, one in sixteen shows one."""


class Moments(NamedTuple):
    """Means and standard deviations from chains, with their Monte Carlo errors between chains.

    Attributes:
        mean, sd: `[D]`, means and standard deviations.
        mean_error, sd_error: `[D]`, their standard errors.
        r_hat: `[D]`, R-hat of the whole chains: high where single chains have not seen what all have seen.
        drift: `[D]`, means of the second half of all chains less those of the first, in sds. Many short chains show a
            drift far better than splitting each of them would, which makes R-hat high for shortness alone.
        drift_error: `[D]`, its standard errors.
        chains: Number of chains.
    """

    mean: Float[np.ndarray, " D"]
    sd: Float[np.ndarray, " D"]
    mean_error: Float[np.ndarray, " D"]
    sd_error: Float[np.ndarray, " D"]
    r_hat: Float[np.ndarray, " D"]
    drift: Float[np.ndarray, " D"]
    drift_error: Float[np.ndarray, " D"]
    chains: int

    @property
    def settled(self) -> Bool[np.ndarray, " D"]:
        """Whether the chains agree on an unknown and have stopped drifting."""
        return (self.r_hat < MOST_R_HAT) & (np.abs(self.drift) < np.maximum(MOST_DRIFT, NOISE * self.drift_error))

    @property
    def agree(self) -> bool:
        """Whether they have settled on every unknown."""
        return bool(np.all(self.settled))


class HamiltonianDraws(NamedTuple):
    """The draws of the chains, and how the sampling went.

    Attributes:
        draws: `[chains, kept, D]`, x unconstrained, without the transitions that adapted the step size.
        moments: Moments of the draws.
        acceptance: Average acceptance rate of the kept transitions.
        divergences: Number of kept transitions that diverged.
        step_size: Step size after adaptation.
        evaluations: Number of gradients.
        last: `[chains, D]`, where the chains stand, in the family's own coordinates.
    """

    draws: Float[np.ndarray, "M N D"]
    moments: Moments
    acceptance: float
    divergences: int
    step_size: float
    evaluations: int
    last: Float[np.ndarray, "M D"]

    def followed_by(self, more: "HamiltonianDraws") -> "HamiltonianDraws":
        """The draws of `more` alone, which go on where these end, with the gradients of both."""
        return more._replace(evaluations=self.evaluations + more.evaluations)

    def joined(self, more: "HamiltonianDraws") -> "HamiltonianDraws":
        """The draws of both, `more` going on where these end."""
        draws = np.concatenate([self.draws, more.draws], axis=1)
        return self.followed_by(more)._replace(draws=draws, moments=moments(draws))


def moments(draws: Float[np.ndarray, "M N D"]) -> Moments:
    """The moments of M chains of N draws; the chains are independent, the draws of a chain are not."""
    M, N, _ = draws.shape
    mean = draws.mean((0, 1))
    square = (draws - mean) ** 2
    sd = np.sqrt(square.mean((0, 1)))

    def between(a):
        return a.mean(1).std(0, ddof=1) / np.sqrt(M)

    drifts = draws[:, N // 2 :].mean(1) - draws[:, : N // 2].mean(1)
    within = draws.var(1, ddof=1).mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r_hat = np.sqrt(1 - 1 / N + draws.mean(1).var(0, ddof=1) / within)
        drift, error = drifts.mean(0) / sd, drifts.std(0, ddof=1) / np.sqrt(M) / sd
        return Moments(mean, sd, between(draws), between(square) / (2 * sd), r_hat, drift, error, M)


def hamiltonian_draws(
    model: Model,
    batch: Batch,
    family: Family,
    seed: int,
    dtype: np.dtype,
    chains: int = MANY_CHAINS,
    transitions: int = TRANSITIONS,
    leapfrogs: int = LEAPFROGS,
    plain: bool = True,
    before: HamiltonianDraws | None = None,
) -> HamiltonianDraws:
    """Chains on the posterior that start from draws of `family`, or go on where others stand.

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
        before: The chains that go on, with their step size: nothing adapts, and all transitions are kept.
    """
    rng = np.random.default_rng(seed)
    adapting = transitions // 2 if before is None else 0
    with precision.context(dtype):
        model, batch, family = cast((model, batch, family), dtype)
        start = rng.standard_normal((chains, family.dim)) if before is None else before.last
        step = FIRST_STEP if before is None else before.step_size
        key = np.array(jax.random.key_data(jax.random.key(seed)))
        times = rng.uniform(*TIMES, transitions).astype(dtype)
        counts = np.array([adapting, leapfrogs])
        found = _run(model, batch, family, start.astype(dtype), np.array(step, dtype), times, counts, key, plain=plain)
    draws, last, acceptance, divergent, step_size, moves = map(np.asarray, found)
    draws = draws[adapting:].astype(float).swapaxes(0, 1)
    figures = acceptance[adapting:].mean().item(), divergent[adapting:].sum().item(), step_size.item()
    return HamiltonianDraws(draws, moments(draws), *figures, chains * (1 + moves.item()), last.astype(float))


def _chains(model, batch, family, start, first_step, times, counts, key):
    from blackjax.adaptation.step_size import dual_averaging_adaptation
    from blackjax.mcmc import hmc

    adapted, most = counts
    cut = model.units(batch)
    target = Target(model, batch.rows, cut.weights[0], cut.scale[0])

    def log_density(noise):
        x, log_q = family.sample_and_log_prob(noise)
        return target.log_likelihood(x) + target.log_prior(x) - log_q - 0.5 * jnp.sum(noise**2)

    kernel = hmc.build_kernel()
    every, one = jax.vmap(family.sample), jnp.ones(family.dim, start.dtype)
    all_chains = jax.vmap(
        lambda key, state, step, length: kernel(key, state, log_density, step, one, length), (0, 0, None, None)
    )
    init, update, final = dual_averaging_adaptation(ACCEPTANCE)

    def kept_step(adapting):
        return jnp.where(adapted > 0, final(adapting), first_step)

    def transition(carry, now):
        states, adapting = carry
        time, key, t = now
        step = jnp.where(t < adapted, jnp.exp(adapting.log_step_size), kept_step(adapting))
        length = jnp.clip(jnp.round(time / step).astype(int), 1, most)
        states, info = all_chains(jax.random.split(key, len(start)), states, step, length)
        acceptance = jnp.mean(info.acceptance_rate)
        updated = update(adapting, acceptance)
        adapting = jax.tree.map(lambda new, old: jnp.where(t < adapted, new, old), updated, adapting)
        return (states, adapting), (every(states.position), acceptance, jnp.sum(info.is_divergent), length)

    states = jax.vmap(lambda position: hmc.init(position, log_density))(start)
    # A chain without a density to begin with takes the place of one that has.
    finite = jnp.isfinite(states.logdensity) & jnp.all(jnp.isfinite(states.logdensity_grad), axis=1)
    places = jnp.where(finite, jnp.arange(len(start)), jnp.argmax(finite))
    states = jax.tree.map(lambda a: jnp.take(a, places, axis=0), states)
    keys = jax.random.split(jax.random.wrap_key_data(key), len(times))
    (states, adapting), (draws, acceptance, divergent, lengths) = jax.lax.scan(
        transition, (states, init(first_step)), (times, keys, jnp.arange(len(times)))
    )
    return draws, states.position, acceptance, divergent, kept_step(adapting), jnp.sum(lengths)


_run = Shared(_chains)
