"""A `MixedModel` with its rows as the engine takes them, and the engine's answer in the order of the model's z."""

from typing import Any

import equinox as eqx
import numpy as np

from taut.algorithms.nested.family import NestedGaussian
from taut.algorithms.nested.layout import Factor, Layout, LogDensity, half_normal
from taut.algorithms.nested.rows import CompiledRows
from taut.algorithms.nested.scales import Likelihood
from taut.algorithms.nested.smoothed import distances
from taut.algorithms.nested.solution import Draws, Solution
from taut.algorithms.nested.thresholds import graded
from taut.models.hierarchy import GroupTerm
from taut.models.likelihoods import Likelihood as OfRow
from taut.models.mixed import MixedModel
from taut.models.own_parameters import OwnParameters
from taut.models.stated import Stated

KEPT = 4000
"""Draws that the answer keeps."""


def problem_of(model: MixedModel, rows: dict[str, Any], weights: np.ndarray | None) -> tuple[Layout, Likelihood]:
    """The linear predictor and the likelihood of its rows, in the order of the layout."""
    priors = model.prior.coefficients
    mean, sd = (np.array([prior.number(name) for prior in priors]) for name in ("loc", "scale"))
    factors = [
        Factor(np.asarray(index), np.asarray(Z, float), _density(group), group.concentration, model.spread)
        for group, index, Z in zip(model.prior.groups, rows["index"], rows["Z"], strict=True)
    ]
    own, y = model.prior.own, rows["y"]
    if own.levels:
        options = {"mean": mean, "sd": sd, "threshold_sd": sd[0], "offset": rows["offset"], "weights": weights}
        return graded(rows["X"], factors, y, len(own.levels) + 1, **options)
    layout = Layout(rows["X"], factors, rows["offset"], mean, sd)
    y = tuple(part[layout.order] for part in y) if isinstance(y, tuple) else y[layout.order]
    return layout, CompiledRows(
        Restated(model.likelihood, own) if own.given else model.likelihood,
        y,
        None if weights is None else weights[layout.order],
        model.spread,
    )


class Restated(eqx.Module):
    """A likelihood whose parameters have other priors than the stated ones."""

    likelihood: OfRow
    own: OwnParameters

    def parameters(self, spread: float = 1.0) -> Any:
        """With these priors."""
        return self.own.parameters

    def __getattr__(self, name: str) -> Any:
        return getattr(self.likelihood, name)


def _density(group: GroupTerm) -> LogDensity:
    """The log densities of the sds `[T, q]`, term by term."""
    each = [_of_sd(prior) for prior in group.sds]
    return lambda sd: np.stack([density(sd[:, i]) for i, density in enumerate(each)], axis=1)


def _of_sd(prior: Stated) -> LogDensity:
    if prior.kind == "HalfNormal":
        return half_normal(prior.number("scale"))
    distribution = prior.distribution
    return lambda sd: np.asarray(distribution.log_prob(sd), float)


def places(layout: Layout) -> np.ndarray:
    """Where in w the unknowns stand in the order of the model's z: coefficients, then each group term's effects."""
    parts = [np.arange(len(layout.mean))]
    for k in range(len(layout.listed)):
        span = layout.effects(k)
        parts.append(np.arange(span.start, span.stop))
    return np.concatenate(parts)


def family_of(solution: Solution, draws: Draws, rng: np.random.Generator) -> NestedGaussian:
    """The answer as a family that keeps draws of `Solution.sample`, their t spread out between the nodes."""
    at = places(solution.layout)
    means, variances = (x[:, at] for x in solution.nodes.unknowns())
    z = z_of(solution, spread_out(solution, draws, rng))
    return NestedGaussian(solution.weights, solution.t, means, variances, solution.nodes.fixed_covariances(), z)


def z_of(solution: Solution, draws: Draws) -> np.ndarray:
    """Draws of the engine as the model's z, `[S, D]`."""
    return np.hstack([draws.w[:, places(solution.layout)], draws.t])


def spread_out(solution: Solution, draws: Draws, rng: np.random.Generator) -> Draws:
    """Draws whose t lies between the nodes and whose w is one of those drawn at the nearest node.

    The sums over a coarse lattice are right for all w, but not the shares of its cells: these are the smoothed
    density's, so that the w of a node may be taken more often, or less often, than they were drawn.
    """
    if not solution.scales.size:
        return draws
    t = solution.sample_scales(len(draws.node), rng)
    nodes, first, counts = np.unique(np.sort(draws.node), return_index=True, return_counts=True)
    mean = solution.weights @ solution.t
    away = solution.t - mean
    root = np.linalg.cholesky((solution.weights[:, None] * away).T @ away)
    apart = distances(np.linalg.solve(root, (t - mean).T).T, np.linalg.solve(root, away[nodes].T).T)
    nearest = apart.argmin(1)
    # The draws of a node are taken one after another, from the first again after the last.
    order = np.argsort(nearest, kind="stable")
    place = np.arange(len(t)) - np.searchsorted(nearest[order], nearest[order])
    chosen = np.empty(len(t), int)
    chosen[order] = first[nearest[order]] + place % counts[nearest[order]]
    return Draws(nodes[nearest], t, draws.w[np.argsort(draws.node, kind="stable")[chosen]])
