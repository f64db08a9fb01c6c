"""Moments of responses, exact at the nodes of a nested answer: no draws, so that equal fits predict equally."""

from typing import Any, NamedTuple

import jax
import numpy as np

from taut.algorithms.nested.family import NestedGaussian
from taut.core import precision
from taut.core.compilation import Compiled
from taut.models.hierarchy import likelihood_with
from taut.models.likelihoods.quadrature import average
from taut.models.mixed import MixedModel

TOGETHER = 16
"""Nodes are filled up to a multiple of it, so that few numbers of nodes are compiled."""


class Moments(NamedTuple):
    """The response, as a posterior has it.

    Attributes:
        mean: `[n]`, posterior mean of its expectation.
        sd: `[n]`, posterior sd of its expectation.
        new_sd: `[n]`, sd of a new response.
    """

    mean: np.ndarray
    sd: np.ndarray
    new_sd: np.ndarray


@Compiled
def _at_nodes(model: Any, own: Any, m: Any, v: Any) -> Any:
    """Mean and sd of expected responses, and mean of their variances, at nodes `[C, n]` each."""

    def one(free, m, v):
        likelihood = likelihood_with(model.prior.own, model.likelihood, free)
        return *likelihood.response(m, v), average(lambda eta: likelihood.sd(eta) ** 2, m, v)

    return jax.vmap(one)(own, m, v)


def moments_at_nodes(model: MixedModel, nodes: NestedGaussian, rows: Any) -> Moments:
    """Moments of the response of rows without group terms, for a likelihood of numbers.

    Args:
        model: The model.
        nodes: The answer.
        rows: Rows as a formula gives them.
    """
    P = nodes.covariances.shape[-1]
    m = np.asarray(nodes.means, float)[:, :P] @ rows.X.T + (0.0 if rows.offset is None else rows.offset)
    V = np.asarray(nodes.covariances, float)
    v = np.maximum(np.stack([np.sum((rows.X @ covariance) * rows.X, 1) for covariance in V]), 0.0)
    t = np.asarray(nodes.scales, float)
    own = t[:, t.shape[1] - model.prior.own.size :]
    more = ((0, -len(t) % TOGETHER), (0, 0))
    with precision.context(np.dtype("float64")):
        parts = _at_nodes(model, *(np.pad(x, more, mode="edge") for x in (own, m, v)), plain=True)
    mean, sd, noise = (np.asarray(part)[: len(t)] for part in parts)
    weights = np.asarray(nodes.weights, float)
    total = weights @ mean
    variance = weights @ (sd**2 + (mean - total) ** 2)
    return Moments(total, np.sqrt(variance), np.sqrt(variance + weights @ noise))
