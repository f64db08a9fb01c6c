"""The answer of nested inference: a mixture over nodes of t of the distributions q(w given t)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from taut.algorithms.nested.layout import Layout
from taut.algorithms.nested.parts import Parts
from taut.algorithms.nested.scales import Scales
from taut.algorithms.nested.smoothed import between_nodes

NEAR_ZERO = 0.1
"""An sd below this part of its mean is near zero."""


class Nodes(Protocol):
    """q(w given t) at each of C nodes."""

    @property
    def left(self) -> np.ndarray:
        """Nats left to gain, `[C]`."""
        ...

    @property
    def log_density(self) -> np.ndarray:
        """ELBO(t) + log p(t), `[C]`."""
        ...

    @property
    def expected_log_likelihood(self) -> np.ndarray:
        """E log p(y given w, t), `[C]`."""
        ...

    def fixed_covariances(self) -> np.ndarray:
        """Covariances of the fixed columns' coefficients, `[C, P, P]`."""
        ...

    def unknowns(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances of w, `[C, d]` each."""
        ...

    def linear(self, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances of rows' linear predictors without offsets, `[C, n]` each."""
        ...

    def draw(self, node: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of w at one node, `[count, d]`."""
        ...

    def log_prob(self, node: int, w: np.ndarray) -> np.ndarray:
        """log q(w given t) at one node, `[count]`."""
        ...

    def log_border(self, node: int, w: np.ndarray) -> np.ndarray:
        """log q(border given t) at one node, `[count]`."""
        ...

    def effects_given(self, node: int, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean `[count, q, G]` and covariance `[q, q, G]` of the eliminated effects given the border, at one node."""
        ...


@dataclass
class Draws:
    """Draws from the mixture: the node of each, its scales t `[N, K]` and its unknowns w `[N, d]`."""

    node: np.ndarray
    t: np.ndarray
    w: np.ndarray

    def first(self, count: int) -> "Draws":
        """The first of them."""
        return Draws(self.node[:count], self.t[:count], self.w[:count])


@dataclass
class Solution:
    """A mixture over C nodes of t.

    Attributes:
        layout: the linear predictor; `layout.effects(k)` says where a factor's effects stand in w.
        scales: what the entries of t mean.
        t: `[C, K]`, the nodes.
        weights: `[C]`, their probabilities.
        log_volumes: `[C]`, the logarithm of the volume of t that each stands for.
        log_density, gradient: `[C]` and `[C, K]`, ELBO(t) + log p(t) and its gradient.
        log_evidence: an estimate of log p(y) of which ELBO(t) is the inner part.
        nodes: q(w given t) at each node.
        steps: how many steps of the natural gradient were made, cells counted one by one.
        exact: the factor whose effects are integrated by quadrature, or none.
        gaussian_error: how many sds the answer would move with free effects in place of Gaussian ones (`choice`).
        gap: nats by which log p(y given t) is above the ELBO at the heaviest node (`correction`); none where one factor
            alone was judged by `gaussian_error`. Several nats mean that q(w given t) is poor.
        corrected: whether the weights allow for the gap.
    """

    layout: Layout
    scales: Scales
    t: np.ndarray
    weights: np.ndarray
    log_volumes: np.ndarray
    log_density: np.ndarray
    gradient: np.ndarray
    log_evidence: float
    nodes: Nodes
    steps: int
    exact: int | None = None
    gaussian_error: float | None = None
    gap: float | None = None
    corrected: bool = False

    @property
    def effective_nodes(self) -> float:
        """The number of equally weighted nodes that would be worth as much."""
        return float(1 / (self.weights**2).sum())

    def of_scales(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mean and sd of a function of t, from its values at the nodes `[C, ...]`."""
        return mixed(self.weights, values, np.zeros_like(values))

    def sample_scales(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws of t between the nodes, `[count, K]`, for quantiles of the scales."""
        natural = self.scales.natural
        return between_nodes(self.t, self.weights, self.log_density, self.gradient, natural, count, rng)

    def unknowns(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean and sd of each unknown, `[d]`."""
        return mixed(self.weights, *self.nodes.unknowns())

    def linear(self, parts: Parts) -> tuple[np.ndarray, np.ndarray]:
        """The mean and sd of rows' linear predictors without offsets, `[n]`."""
        return mixed(self.weights, *self.nodes.linear(parts))

    def sample(self, count: int, rng: np.random.Generator) -> Draws:
        """Draws of (t, w); nodes are drawn by systematic sampling, so that each is as frequent as its weight says."""
        at = (np.arange(count) + rng.random()) / count
        node = np.minimum(np.searchsorted(np.cumsum(self.weights), at), len(self.weights) - 1)
        w = [self.nodes.draw(int(c), int(k), rng) for c, k in zip(*np.unique(node, return_counts=True), strict=True)]
        shuffled = rng.permutation(count)
        return Draws(node[shuffled], self.t[node[shuffled]], np.vstack(w)[shuffled])

    def log_prob(self, draws: Draws) -> np.ndarray:
        """log q(t) + log q(w given t), `[N]`, where q(t) is the probability of the node over its volume.

        Where q(w given t) and the weights are exact, log p(y, w, t) minus this is log p(y) at every draw.
        """
        out = (np.log(self.weights) - self.log_volumes)[draws.node]
        for node in np.unique(draws.node):
            here = draws.node == node
            out[here] += self.nodes.log_prob(int(node), draws.w[here])
        return out

    def log_prior(self, draws: Draws) -> np.ndarray:
        """log p(t) + log p(w given t), `[N]`."""
        layout, scales = self.layout, self.scales
        beta = (draws.w[:, : len(layout.mean)] - layout.mean) / layout.sd
        seconds = []
        for k, factor in enumerate(layout.factors):
            effects = draws.w[:, layout.effects(k)].reshape(len(beta), factor.width, factor.levels)
            seconds.append(effects @ effects.swapaxes(1, 2))
        fixed = -0.5 * (beta**2 + np.log(2 * np.pi)).sum(1) - np.log(layout.sd).sum()
        return scales.log_prior(draws.t) + scales.effects_term(draws.t, seconds) + fixed

    def near_zero(self, k: int) -> np.ndarray:
        """The probability that each sd of a factor is below a tenth of its mean, `[q]`.

        Above some hundredths the data do not say that the sd is not zero: the factor may be superfluous. That is an
        answer, and no failure.
        """
        sds = self.scales.sds(self.t, k)
        return self.weights @ (sds < NEAR_ZERO * (self.weights @ sds))


def mixed(weights: np.ndarray, means: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean and sd of a mixture from those of its parts, `[C, ...]`."""
    mean = np.tensordot(weights, means, 1)
    return mean, np.sqrt(np.tensordot(weights, variances + (means - mean) ** 2, 1))
