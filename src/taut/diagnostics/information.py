r"""The two halves of the rate: what z says of the image, and how far all codes together lie from the prior.

    E_x KL(q(z|x)||p(z))  =  I(x; z)  +  KL(q(z)||p(z)),      q(z) = 1/N sum_n q(z|x_n)

I is high where codes differ from image to image; the marginal KL is what sampling from the prior will suffer from.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np

from taut.core.compilation import Compiled
from taut.diagnostics.codes import Codes, blocks, draw_key, padded

STREAM = 1
"""Stream of random numbers."""
MOST_IMAGES = 10_000
"""Most images in the aggregate posterior: every draw is compared with each of them, so the cost is their square."""
LEAST_DRAWS = 2000
"""Least number of draws in all; where there are fewer images, each has several."""
CLOSE = 1.0
"""Nats below log N from which the estimate is called limited by it."""


class Information(NamedTuple):
    """Mutual information between image and code, and the marginal KL: nats per example.

    Attributes:
        mutual_information: I(x; z) among the images used, at most `limit`. Of the population it is an underestimate.
        marginal_kl: KL(q(z)||p(z)), the rest of the KL; an overestimate where the other is an underestimate.
        standard_error: Standard error of both, over images and draws.
        limit: log N for the N images used.
        images: Number of images N.
        warning: One sentence where `limit` decides the result, else None.
    """

    mutual_information: float
    marginal_kl: float
    standard_error: float
    limit: float
    images: int
    warning: str | None


@Compiled
def _log_ratios(every, seed, members, places, draws: int):
    """log q(z|x_i) - log 1/N sum_n q(z|x_n) at draws z of q(z|x_i): `[B, draws]`."""

    def one(member, place, number):
        z, own = member.sample_and_log_prob(member.noise(draw_key(seed, STREAM, place, number)))
        # No sum over the values of z: binary and Gaussian codes are one case. The image's own term is in the mixture.
        among = eqx.filter_vmap(lambda q: q.log_prob(z))(every)
        return own - (jax.nn.logsumexp(among) - np.log(len(among)))

    def each_draw(q, place):
        return jax.vmap(lambda number: one(q, place, number))(np.arange(draws))

    return jax.vmap(each_draw)(members, places)


def information(codes: Codes, kl: np.ndarray, *, seed: int = 0, batch: int = 100) -> Information:
    """Split the KL into mutual information and marginal KL, with the aggregate posterior of the images themselves.

    The estimate is unbiased for the mutual information between z and *which of the N images* it codes, which cannot
    exceed log N (9.2 nats for 10,000): a model whose KL is beyond that shows log N, whatever it knows. Neither part of
    the KL is negative, so that an estimate outside 0 to the KL, by the noise of its draws, is moved to the nearer end.

    Args:
        codes: Codes of the images; at most `MOST_IMAGES` of them, drawn at random, are used.
        kl: `[n]`, KL(q(z|x)||p(z)) of the same images.
        seed: Seed of the draws and of the choice of images.
        batch: Number of images at once.

    Source: M. Hoffman and M. Johnson, ELBO Surgery: Yet Another Way to Carve Up the Variational Evidence Lower Bound,
    2016.
    """
    n = len(codes.mean)
    if n > MOST_IMAGES:
        chosen = np.sort(np.random.default_rng(seed).choice(n, MOST_IMAGES, replace=False))
        codes, kl, n = codes.of(chosen), kl[chosen], MOST_IMAGES
    draws = max(1, LEAST_DRAWS // n)
    ratios = []
    for places in blocks(n, batch):
        members, numbers = padded((codes.q, np.arange(n, dtype=np.int32)), places, batch)
        seen = _log_ratios(codes.q, np.asarray(seed), members, numbers, draws, plain=False)
        ratios.append(np.asarray(seen, float)[: len(places)])
    per_image = np.concatenate(ratios).mean(axis=1)
    value, limit = float(np.clip(per_image.mean(), 0.0, max(kl.mean(), 0.0))), float(np.log(n))
    error = float(per_image.std(ddof=1) / np.sqrt(n))
    return Information(value, float(kl.mean()) - value, error, limit, n, _warning(value, float(kl.mean()), limit, n))


def _warning(value: float, kl: float, limit: float, n: int) -> str | None:
    if value < limit - CLOSE:
        return None
    return (
        f"The mutual information cannot be seen beyond log {n} = {limit:.2f} nats, and {value:.2f} is close to that: "
        f"it may be anything up to the KL, {kl:.2f}, and the marginal KL accordingly smaller than shown."
    )
