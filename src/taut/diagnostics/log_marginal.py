r"""log p(x) of each image by importance sampling from q(z|x), and the ELBO from the same draws.

With \(w_k = p(x, z_k) / q(z_k|x)\) and \(z_k \sim q(z|x)\):

    log p(x)  =  log E[w]   estimated by   log 1/K sum_k w_k      (low by about half its squared standard error)
    ELBO      =  E[log w]   estimated by   1/K sum_k log w_k

Where q is the exact posterior all w_k are p(x): both are exact, from one draw, and their standard errors zero.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from taut.core.compilation import Compiled
from taut.diagnostics.codes import Codes, blocks, draw_key, padded
from taut.errors import ArgumentError
from taut.families.base import Family
from taut.problem import Problem

STREAM = 0
"""Stream of random numbers."""
AT_ONCE = 1000
"""Decoder calls in one matrix product: enough to be quick, few enough to stay in the processor's cache."""
DOMINANT = 0.5
"""Share of the total at which one weight is said to dominate."""


class MeanWeight(NamedTuple):
    """The mean of K weights, of each image: `[n]` each.

    Attributes:
        log: Logarithm of the mean, the estimate of log p(x), in nats.
        standard_error: Standard error of `log`.
        effective_sample_size: Effective sample size of the weights, 1 to K.
        largest: Share of the largest weight in their sum.
    """

    log: np.ndarray
    standard_error: np.ndarray
    effective_sample_size: np.ndarray
    largest: np.ndarray

    def of(self, places: np.ndarray) -> "MeanWeight":
        """The mean weights of some of the images."""
        return MeanWeight(*(a[places] for a in self))


class Weighed(NamedTuple):
    """What K weights say of each image: `[n]` each, in nats.

    Attributes:
        log_marginal: Mean of the weights.
        elbo: Mean of the log-weights.
        elbo_standard_error: Standard error of `elbo`.
        kl: Mean of log q(z|x) - log p(z).
    """

    log_marginal: MeanWeight
    elbo: np.ndarray
    elbo_standard_error: np.ndarray
    kl: np.ndarray


class LogMarginal(NamedTuple):
    """The test log-likelihood: log p(x) in nats per example, averaged over images.

    Unequal weights are a warning; equal ones are no proof. A q that is too narrow never draws from what it misses, and
    its weights agree on too low a value: annealed importance sampling finds that out.

    Attributes:
        value: The average over images; in expectation a lower bound, whatever q is.
        standard_error: Standard error from the draws, for these images (how much another K draws would move `value`).
        effective_sample_size: Effective sample size of the weights, averaged over images; K if all weights are equal.
        worst_effective_sample_size: The smallest effective sample size of an image.
        dominated: Share of the images in which one weight holds more than half of the total.
        draws: Number of draws K.
        images: Number of images.
        warning: One sentence where the estimate is not to be trusted, else None.
    """

    value: float
    standard_error: float
    effective_sample_size: float
    worst_effective_sample_size: float
    dominated: float
    draws: int
    images: int
    warning: str | None

    @classmethod
    def average(cls, each: MeanWeight, draws: int) -> "LogMarginal":
        """Over images, each counting once."""
        size, dominated = each.effective_sample_size, float(np.mean(each.largest > DOMINANT))
        return cls(
            float(each.log.mean()),
            pooled(each.standard_error),
            float(size.mean()),
            float(size.min()),
            dominated,
            draws,
            len(size),
            cls._warning(dominated, draws),
        )

    @staticmethod
    def _warning(dominated: float, draws: int) -> str | None:
        if not dominated:
            return None
        return (
            f"In {dominated:.1%} of the images one of the {draws} weights holds more than half of the total: there "
            "log p(x) is likely to be underestimated, and its standard error too. Take more draws, or ask annealed "
            "importance sampling for a second opinion."
        )


def log_weight(
    problem: Problem, key: PRNGKeyArray, q: Family, x: Float[Array, "..."]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """log w = log p(x, z) - log q(z|x) and log p(x|z) at one draw z of q, in nats.

    Args:
        problem: A problem in which each example has its own z.
        key: Key of the draw.
        q: The posterior of the example.
        x: One example.
    """
    z, log_q = q.sample_and_log_prob(q.noise(key))
    log_likelihood = problem.model.log_likelihood(z, x[None])[0]
    return log_likelihood + problem.model.prior.log_prob(z) - log_q, log_likelihood


@Compiled
def _log_weights(problem: Problem, seed, images, q, places, draws: int):
    """log w_k and log p(x|z_k), `[draws, B]`."""

    def one(number, place, q, x):
        return log_weight(problem, draw_key(seed, STREAM, place, number), q, x)

    # [draws at once, B, D] @ [D, H] is one matrix product of draws x B rows.
    every = jax.vmap(jax.vmap(one, in_axes=(None, 0, 0, 0)), in_axes=(0, None, None, None))
    rounds = -(-draws * len(places) // AT_ONCE)
    numbers = jnp.arange(rounds * -(-draws // rounds)).reshape(rounds, -1)  # even rounds, a few draws too many
    seen = jax.lax.map(lambda some: every(some, places, q, images), numbers)
    return jax.tree.map(lambda a: a.reshape(-1, len(places))[:draws], seen)


def weigh(
    problem: Problem,
    images: np.ndarray,
    codes: Codes,
    *,
    draws: int,
    seed: int = 0,
    batch: int = 100,
    progress: Callable[[int, int], None] | None = None,
) -> Weighed:
    """K importance weights of every image, reduced to `[n]` numbers block by block, so that memory stays small.

    Args:
        problem: A fitted problem in which each example has its own z.
        images: `[n, ...]`.
        codes: Codes of the same images.
        draws: Number of draws K, at least two.
        seed: Seed of the draws.
        batch: Number of images at once; it changes no draw.
        progress: Function called with (images done, images) after each block.

    Raises:
        ArgumentError: a log-weight that is not finite, with the image's place.

    Source: Y. Burda, R. Grosse, R. Salakhutdinov, Importance Weighted Autoencoders, 2016 (the estimator).
    """
    parts = []
    for places in blocks(len(images), batch):
        x, q = padded((images, codes.q), places, batch)
        every = padded(np.arange(len(images), dtype=np.int32), places, batch)
        seen = _log_weights(problem, np.asarray(seed), x, q, every, draws, plain=False)
        # Reduced in double precision: a float32 sum of squares near (-1000)^2 has no digit of a variance left.
        log_weights, log_likelihoods = (np.asarray(a, float).T[: len(places)] for a in seen)
        _refuse_if_not_finite(log_weights, places)
        elbo, error = log_weights.mean(axis=1), log_weights.std(axis=1, ddof=1) / np.sqrt(draws)
        parts.append(Weighed(log_mean_weight(log_weights), elbo, error, log_likelihoods.mean(axis=1) - elbo))
        if progress is not None:
            progress(int(places[-1]) + 1, len(images))
    return jax.tree.map(lambda *blocks: np.concatenate(blocks), *parts)


def log_mean_weight(log_weights: np.ndarray) -> MeanWeight:
    r"""Log of the mean of K weights, and how far it can be trusted.

    The largest log-weight is taken out before `exp`. By the delta method the standard error of the log is the relative
    standard error of the mean, \(\sqrt{(K/ESS - 1)/(K - 1)}\) with \(ESS = (\sum w)^2 / \sum w^2\).

    Args:
        log_weights: `[n, K]`, K of at least two.

    Example:
        >>> [x.item() for x in log_mean_weight(np.full((1, 4), -1000.0))]
        [-1000.0, 0.0, 4.0, 0.25]
    """
    K = log_weights.shape[1]
    most = log_weights.max(axis=1, keepdims=True)
    w = np.exp(log_weights - most)
    total = w.sum(axis=1)
    size = total**2 / (w**2).sum(axis=1)
    error = np.sqrt(np.maximum(K / size - 1, 0.0) / (K - 1))
    return MeanWeight(most[:, 0] + np.log(total / K), error, size, 1 / total)


def pooled(standard_errors: np.ndarray) -> float:
    """Standard error of an average, from those of its independent parts."""
    return float(np.sqrt(np.sum(standard_errors**2)) / len(standard_errors))


def _refuse_if_not_finite(log_weights: np.ndarray, places: np.ndarray) -> None:
    bad = places[~np.isfinite(log_weights).all(axis=1)]
    if len(bad):
        raise ArgumentError(
            f"log p(x, z) - log q(z|x) is not finite for image {bad[0]} ({len(bad)} of {len(places)} in its block): "
            "the model has diverged, or its likelihood does not cover this image. Evaluate an earlier checkpoint, or "
            "check the image's values."
        )
