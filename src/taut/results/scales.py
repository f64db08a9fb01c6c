"""What a regression by formula says of its scales: sds, correlations, own parameters, shares of variance."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from taut.core import precision
from taut.core.arguments import probability
from taut.data.formulas.terms import INTERCEPT
from taut.diagnostics.predictive.shares import variance_shares
from taut.results.marginals import Known, Marginals, NormalMixtures, WeightedDraws
from taut.results.own_rows import own_values

if TYPE_CHECKING:
    import polars as pl

SHARE = ("share", "share_lower", "share_upper")
"""Columns of a share: its mean and the ends of its interval."""


class Scales:
    """A fit with scales: the mixture over nodes where it is the answer, and draws."""

    data: dict[str, Any]
    weights: Any
    model: Any
    coefficients: Any
    drawn_answer: Any
    nodes: Any
    trust_column: Any

    def variances(self, level: float = 0.95) -> "pl.DataFrame":
        """Sds and correlations of the groups, and the likelihood's own parameters: mean, sd and interval.

        Sds are on the scale of the predictor, for effects of coded columns (a slope: for one sd of its column). `share`
        is for the sd of an intercept: its part of the variance of the intercepts and of the residual together, with its
        interval. That is the intraclass correlation, for a row at the mean of the columns whose slopes vary. It is
        missing where a likelihood has no residual variance on this scale, and for everything else. `trust` is what the
        verdict says of each.

        Args:
            level: probability of the interval.
        """
        import polars as pl

        found = self._variances(probability("level", level))
        return pl.DataFrame(found, schema_overrides=dict.fromkeys(SHARE, pl.Float64))

    def _variances(self, level: float) -> dict[str, Any]:
        shown = set(self.coefficients.names)
        order = {name: i for i, name in enumerate(self.model.order)}
        named = [name for name in self.model.named(self.drawn_answer[0][:1]) if name not in shown]
        names = sorted(named, key=lambda name: order.get(name, len(order)))

        def values(z):
            found = self.model.named(z)
            return np.stack([found[name] for name in names], 1) if names else np.zeros((len(z), 0))

        columns = {**self.of_scales(values).columns(level), **self._shares(names, level)}
        return {"name": names, **columns, **self.trust_column(names)}

    def _shares(self, names: list[str], level: float) -> dict[str, list[float | None]]:
        """The posterior mean and the interval of each share, None where there is none."""
        terms = enumerate(self.model.prior.groups)
        places = [(k, g.terms.index(INTERCEPT), g) for k, g in terms if INTERCEPT in g.terms]
        found = self._drawn_shares([(k, i) for k, i, _ in places]) if places else None
        kept: dict[str, tuple[float, float, float]] = {}
        if found is not None:
            shares = WeightedDraws(found[:, :-1], self.drawn_answer[1]).columns(level)
            each = zip(shares["mean"], shares["lower"], shares["upper"], strict=True)
            kept = {g.names[i]: three for (_, i, g), three in zip(places, each, strict=True)}
        none = (None, None, None)
        return {part: [kept.get(name, none)[i] for name in names] for i, part in enumerate(SHARE)}

    def _drawn_shares(self, places: list[tuple[int, int]]) -> np.ndarray | None:
        """Shares of some sds, by group term and place in it, at draws of the answer; the residual's is the last."""
        model, parts = self.model, self.model.prior.parts(np.asarray(self.drawn_answer[0], float))
        average = np.average(np.column_stack([self.data["X"], self.data["offset"]]), axis=0, weights=self.weights)
        variances = np.stack([np.exp(2 * parts.log_sds[k][:, i]) for k, i in places], 1)
        with precision.context(np.dtype("float64")):
            own = own_values(model, self.drawn_answer[0])
            return variance_shares(model.likelihood, own, parts.beta @ average[:-1] + average[-1], variances)

    def of_scales(self, values: Callable[[np.ndarray], np.ndarray]) -> Marginals:
        """The distributions of functions of the scales: means and sds from the nodes, where they are the answer.

        Args:
            values: draws of z `[S, D]` to draws of the functions `[S, M]`.
        """
        z, weights = self.drawn_answer
        found = WeightedDraws(values(z), weights)
        nodes = self.nodes
        if nodes is None:
            return found
        at = values(np.hstack([nodes.means, nodes.scales]).astype(float))
        known = NormalMixtures(np.asarray(nodes.weights), at, np.zeros_like(at))
        return Known(known.mean, known.sd, found)
