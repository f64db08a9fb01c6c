"""A `MixedModel` with its rows as the engine takes them, and the engine's answer in the order of the model's z."""

from typing import Any

import equinox as eqx
import numpy as np

from taut.algorithms.nested.family import NestedGaussian
from taut.algorithms.nested.layout import Factor, Layout, LogDensity, half_normal
from taut.algorithms.nested.rows import CompiledRows
from taut.algorithms.nested.scales import Likelihood
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


def family_of(solution: Solution, seed: int) -> NestedGaussian:
    """The answer as a family."""
    at = places(solution.layout)
    means, variances = (x[:, at] for x in solution.nodes.unknowns())
    z = z_of(solution, draws_between(solution, KEPT, np.random.default_rng([seed, 1])))
    return NestedGaussian(solution.weights, solution.t, means, variances, solution.nodes.fixed_covariances(), z)


def z_of(solution: Solution, draws: Draws) -> np.ndarray:
    """Draws of the engine as the model's z, `[S, D]`."""
    return np.hstack([draws.w[:, places(solution.layout)], draws.t])


def draws_between(solution: Solution, count: int, rng: np.random.Generator) -> Draws:
    """Draws whose t lies between the nodes and whose w is drawn at the nearest of them."""
    if not solution.scales.size:
        return solution.sample(count, rng)
    t = solution.sample_scales(count, rng)
    mean = solution.weights @ solution.t
    away = solution.t - mean
    root = np.linalg.cholesky((solution.weights[:, None] * away).T @ away)
    apart = np.linalg.solve(root, (t - mean).T).T[:, None] - np.linalg.solve(root, away.T).T
    node = (apart**2).sum(2).argmin(1)
    order = np.argsort(node, kind="stable")
    w = [solution.nodes.draw(int(c), int(n), rng) for c, n in zip(*np.unique(node, return_counts=True), strict=True)]
    back = np.empty_like(order)
    back[order] = np.arange(count)
    return Draws(node, t, np.vstack(w)[back])
