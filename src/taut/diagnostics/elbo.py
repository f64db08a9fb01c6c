"""The ELBO of a fitted problem: exactly where it is closed, else with its standard error."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from taut.core.batch import Batch
from taut.core.capabilities import Capability
from taut.core.compilation import Compiled
from taut.gradients.evaluate import closed_parts, evaluate
from taut.gradients.exact import Exact
from taut.models.target import Target
from taut.objectives.draws import elbo_terms
from taut.problem import Problem

DRAWS = 1000
"""Draws of an ELBO that is not closed."""


class Bound(NamedTuple):
    """The ELBO and its two terms: nats for the whole data set (one z for all rows), or nats per example (a z for each).

    Attributes:
        elbo: expected_log_likelihood - kl.
        expected_log_likelihood: E_q[log p(x|z)].
        kl: KL(q||p).
        standard_error: Standard error of `elbo`; 0 where it is exact.
    """

    elbo: float
    expected_log_likelihood: float
    kl: float
    standard_error: float


@Compiled
def _exact(problem: Problem, batch: Batch):
    cut = problem.model.units(batch)
    target = Target(problem.model, batch.rows, cut.weights[0], cut.scale[0])
    return target.expected_log_likelihood(problem.family), target.closed_kl(problem.family)


@Compiled
def _sampled(problem: Problem, key, batch: Batch, draws: int):
    cut = problem.model.units(batch)
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


def closed(problem: Problem) -> bool:
    """Whether the ELBO of a problem with one z for all rows is known without draws."""
    return Exact().requirements(problem.model) - {Capability.MEAN_OVER_DRAWS} <= problem.offers


def elbo(problem: Problem, key: PRNGKeyArray, batch: Batch, draws: int = DRAWS) -> Bound:
    """The ELBO of `problem` on all rows of `batch`, whatever objective it was fitted with.

    Args:
        problem: A fitted problem whose model has one z for all rows.
        key: Key of the draws.
        batch: The rows.
        draws: Number of fresh draws, where the ELBO is not closed.
    """
    if closed(problem):
        likelihood, kl = map(float, _exact(problem, batch, plain=True))  # run once: compiling is all of the time
        return Bound(likelihood - kl, likelihood, kl, 0.0)
    likelihood, kl, standard_error = map(float, _sampled(problem, key, batch, draws, plain=False))
    return Bound(likelihood - kl, likelihood, kl, standard_error)


@Compiled
def _per_example(problem: Problem, key, rows, transform, draws: int):
    closed = closed_parts(problem.offers)
    of_data, of_draws = jax.random.split(key)
    rows = rows if transform is None else transform(of_data, rows)
    size = jax.tree.leaves(rows)[0].shape[0]

    def one(key, x):
        row = jax.tree.map(lambda a: a[None], x)
        q = problem.family.at(row)
        target = Target(problem.model, row, jnp.ones(1), jnp.ones(()))
        z = jax.vmap(lambda k: q.sample(q.noise(k)))(jax.random.split(key, draws))
        return elbo_terms(evaluate(target, q, z, closed))

    return jax.vmap(one)(jax.random.split(of_draws, size), rows)


def elbo_per_example(
    problem: Problem,
    rows: Any,
    key: PRNGKeyArray,
    *,
    draws: int = 1,
    transform: Callable | None = None,
    batch: int = 500,
) -> tuple[Bound, np.ndarray]:
    """The true ELBO of a model in which each example has its own z, whatever objective it was fitted with.

    Args:
        problem: A fitted problem.
        rows: The examples, a pytree of `[n, ...]`.
        key: Key of the draws; equal keys give paired values.
        draws: Number of draws of each example.
        transform: `(key, rows) -> rows` of each batch, as in training.
        batch: Number of examples at once.

    Returns:
        Averages over all examples, in nats per example, with the standard error over examples; and each example's ELBO.
    """
    size = jax.tree.leaves(rows)[0].shape[0]
    batch = min(batch, size)
    terms = []
    for number, start in enumerate(range(0, size, batch)):
        block = jax.tree.map(lambda a, start=start: _rows(a, start, batch), rows)
        seen = _per_example(problem, jax.random.fold_in(key, number), block, transform, draws, plain=False)
        terms.append({name: np.asarray(x, float) for name, x in seen.items()})
    likelihood, kl = (np.concatenate([t[name] for t in terms])[:size] for name in ("expected_log_likelihood", "kl"))
    each = likelihood - kl
    error = float(each.std(ddof=1) / np.sqrt(size)) if size > 1 else 0.0
    return Bound(float(each.mean()), float(likelihood.mean()), float(kl.mean()), error), each


def _rows(a: np.ndarray, start: int, batch: int) -> np.ndarray:
    """`batch` rows from `start` on; the last block is filled with its last row, to keep one shape."""
    block = np.asarray(a[start : start + batch])
    missing = batch - len(block)
    return np.concatenate([block, np.repeat(block[-1:], missing, axis=0)]) if missing else block
