"""The ELBO of a fitted problem: exactly where it is closed, else with its standard error."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from taut.batch import Batch, units
from taut.capabilities import Capability
from taut.compilation import Compiled
from taut.gradients.exact import Exact
from taut.gradients.problem import Problem
from taut.gradients.target import Target, closed_parts, evaluate


class Bound(NamedTuple):
    """The ELBO and its two terms: nats for the whole data set (one z for all rows).

    Attributes:
        elbo: expected_log_likelihood - kl.
        expected_log_likelihood: E_q[log p(x|z)].
        kl: KL(q||p).
        standard_error: of `elbo`; 0 where it is exact.
    """

    elbo: float
    expected_log_likelihood: float
    kl: float
    standard_error: float


@Compiled
def _exact(problem: Problem, batch: Batch):
    cut = units(False, batch)
    target = Target(problem.model, batch.rows, cut.weights[0], cut.scale[0])
    return target.expected_log_likelihood(problem.family), target.closed_kl(problem.family)


@Compiled
def _sampled(problem: Problem, key, batch: Batch, draws: int):
    cut = units(False, batch)
    target = Target(problem.model, batch.rows, cut.weights[0], cut.scale[0])
    closed = closed_parts(problem.offers)

    def one(key):
        z = problem.family.sample(problem.family.noise(key))
        return evaluate(target, problem.family, z[None], closed)

    # In blocks: all draws at once would hold draws x rows numbers.
    seen = jax.lax.map(one, jax.random.split(key, draws), batch_size=50)
    log_weight = seen.log_likelihood[:, 0] - seen.kl[:, 0]
    standard_error = jnp.std(log_weight, ddof=1) / jnp.sqrt(draws)
    return jnp.mean(seen.log_likelihood), jnp.mean(seen.kl) + jnp.mean(seen.exact_kl), standard_error


def elbo(problem: Problem, key: Any, batch: Batch, draws: int = 1000) -> Bound:
    """The ELBO of `problem` on all rows of `batch`, whatever objective it was fitted with.

    Args:
        problem: a fitted problem whose model has one z for all rows.
        key: of the draws.
        batch: the rows.
        draws: fresh draws, where the ELBO is not closed.
    """
    closed = Exact().requirements(problem.model) - {Capability.MEAN_OVER_DRAWS}
    if closed <= problem.offers:
        likelihood, kl = map(float, _exact(problem, batch, plain=True))  # run once: compiling is all of the time
        return Bound(likelihood - kl, likelihood, kl, 0.0)
    likelihood, kl, standard_error = map(float, _sampled(problem, key, batch, draws, plain=False))
    return Bound(likelihood - kl, likelihood, kl, standard_error)
