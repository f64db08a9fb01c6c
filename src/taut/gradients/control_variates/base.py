"""Control variates of the score-function estimator: what is subtracted from each draw's contribution."""

import abc
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from taut.core.capabilities import Capability
from taut.errors import ArgumentError
from taut.families.base import Family
from taut.models.target import Target
from taut.objectives.base import Objective
from taut.objectives.draws import Draws


class Seen(NamedTuple):
    """What a control variate may look at.

    Attributes:
        target: The unit's joint density.
        q: The unit's posterior, whose parameters are differentiated.
        z: `[K, D]`, the draws, with gradients stopped.
        fresh: `[F, D]`, draws for the coefficient alone, with gradients stopped.
        draws: The draws' log densities, with gradients stopped.
        closed: The parts of the KL that are closed.
    """

    target: Target
    q: Family
    z: Float[Array, "K D"]
    fresh: Float[Array, "F D"]
    draws: Draws
    closed: frozenset[Capability]


class ControlVariate(eqx.Module):
    """Turns K draws into the signals that weight their scores, without changing the estimator's expectation.

    E_q[score] = 0, so anything that does not depend on draw k may be subtracted from what multiplies its score.
    Memory is therefore made of earlier steps only. What does depend on draw k has to be added back by its expectation:
    that is the correction of `controlled`.
    """

    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Capability]] = frozenset()
    least_samples: ClassVar[int] = 1
    compares_draws: ClassVar[bool] = False
    """Whether a draw's signal depends on the other draws, which must then be independent of it."""

    @property
    def fresh_draws(self) -> int:
        """Number of independent draws that it needs beside the K."""
        return 0

    def evaluations(self, dim: int) -> int:
        """Evaluations of the log density (with derivatives) for one unit, beside those at the draws."""
        return 0

    def init(self, statistics: Any) -> Any:
        """The memory at the start."""
        return ()

    def update(self, memory: Any, observed: Any) -> Any:
        """The memory after a step."""
        return memory

    @abc.abstractmethod
    def controlled(self, objective: Objective, seen: Seen, memory: Any) -> tuple[Any, Any, Any]:
        """The signal, a correction of the statistics whose derivative alone counts (or None), and the memory's view.

        The signal is the weight of each draw's score in each statistic, `[K, ...]`.
        """


class Baseline(ControlVariate):
    """A control variate made of the draws' log densities alone, which needs no correction."""

    @abc.abstractmethod
    def signal(self, objective: Objective, draws: Draws, memory: Any) -> tuple[Any, Any]:
        """The weight of each draw's score in each statistic, `[K, ...]`, and what the memory needs of this step."""

    def controlled(self, objective, seen, memory):
        """The signal, without a correction."""
        signal, observed = self.signal(objective, seen.draws, memory)
        return signal, None, observed


class Averaging(ControlVariate):
    """A control variate whose memory is moving averages over earlier steps.

    Attributes:
        decay: Weight of the past in each step of the averages, in [0, 1).
    """

    decay: eqx.AbstractVar[float]

    def __check_init__(self):
        if not 0 <= self.decay < 1:
            raise ArgumentError(
                f"{type(self).__name__}(decay={self.decay}): the decay must lie in [0, 1); 0.9 is usual."
            )

    def update(self, memory, observed):
        """One more step in the averages."""

        def mix(old, new):
            return (self.decay * old + (1 - self.decay) * new).astype(old.dtype)

        return jax.tree.map(mix, memory, observed)


def sampled_part(draws: Draws) -> Draws:
    """The draws with the closed parts of the KL at zero: no score has to carry them."""
    closed = jax.tree.map(jnp.zeros_like, (draws.exact_kl, draws.kl_per_dimension))
    return Draws(*draws[:4], *closed)


def contributions(objective: Objective, draws: Draws) -> Any:
    """The statistics of each draw alone, `[K, ...]`, without the closed part of the KL."""
    sampled = sampled_part(draws)

    def alone(*terms):
        return objective.statistics(Draws(*(x[None] for x in terms), *sampled[4:]))  # pyright: ignore[reportCallIssue]

    return jax.vmap(alone)(*sampled[:4])


class NoControl(Baseline):
    """Nothing is subtracted: textbook REINFORCE, unbiased and with the largest variance.

    Example:
        >>> NoControl().name
        'none'
    """

    name: ClassVar[str] = "none"
    needs = frozenset({Capability.MEAN_OVER_DRAWS})

    def signal(self, objective, draws, memory):
        """Each draw's own contribution, divided by K."""
        own = contributions(objective, draws)
        return jax.tree.map(lambda s: s / s.shape[0], own), ()


class MovingAverage(Averaging, Baseline):
    r"""Subtract an exponential moving average of earlier contributions.

    .. math:: b_{t+1} = \rho\, b_t + (1 - \rho)\, \bar f_t, \qquad \text{used as } b_t / (1 - \rho^t)

    Attributes:
        decay: The weight rho of the past, 0.9 as in the survey's case study. The division by 1 - rho^t undoes the
            start at zero.

    Example:
        >>> MovingAverage(decay=0.9).decay
        0.9

    Source: R. Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning,
    1992.
    """

    name: ClassVar[str] = "moving-average"
    needs = frozenset({Capability.MEAN_OVER_DRAWS})
    decay: float = eqx.field(static=True, default=0.9)

    def init(self, statistics):
        """No average yet, and no weight behind it."""
        zeros = jax.tree.map(jnp.zeros_like, statistics)
        return zeros, jnp.zeros(())

    def update(self, memory, observed):
        """One more step in the average; its weight tends to 1."""
        return super().update(memory, (observed, 1.0))

    def signal(self, objective, draws, memory):
        """Contributions minus the average of earlier steps, divided by K."""
        own = contributions(objective, draws)
        average, weight = memory
        baseline = jax.tree.map(lambda a: a / jnp.maximum(weight, 1e-30).astype(a.dtype), average)
        signal = jax.tree.map(lambda s, b: (s - b) / s.shape[0], own, baseline)
        return signal, jax.tree.map(lambda s: jnp.mean(s, axis=0), own)


class LeaveOneOut(Baseline):
    r"""Subtract, for each draw, what the statistic would be with that draw's terms replaced by the others' mean.

    .. math:: \text{ELBO: } \quad \frac1K \Big(f_k - \frac1{K-1} \sum_{j \ne k} f_j\Big)

    For the ELBO this is the leave-one-out baseline; for an importance-weighted bound the same rule is VIMCO. Needs at
    least two draws.

    Example:
        >>> LeaveOneOut().least_samples
        2

    Source: W. Kool, H. van Hoof, M. Welling, Buy 4 REINFORCE Samples, Get a Baseline for Free, 2019; A. Mnih and
    D. Rezende, Variational Inference for Monte Carlo Objectives, 2016.
    """

    name: ClassVar[str] = "leave-one-out"
    least_samples: ClassVar[int] = 2
    compares_draws: ClassVar[bool] = True

    def signal(self, objective, draws, memory):
        """The statistic minus the statistic without draw k, for each k."""
        sampled = sampled_part(draws)
        K = draws.log_q.shape[0]
        own = jnp.eye(K, dtype=bool)
        # Row k of each: the terms with draw k's replaced by the others' mean.
        replaced = (jnp.where(own, ((jnp.sum(x) - x) / (K - 1))[:, None], x) for x in sampled[:4])
        statistics = lambda *terms: objective.statistics(Draws(*terms, *sampled[4:]))  # noqa: E731  # pyright: ignore
        rest = jax.vmap(statistics)(*replaced)
        return jax.tree.map(lambda a, b: a - b, objective.statistics(sampled), rest), ()
